package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/internal/trouble"
)

// Outputs publishes the directories into which the media server writes, for the sections that have
// no watch_dir. A root that the server does not name any more stays: its files may still have to be
// uploaded, and a server that restarts forgets its orders. One goroutine calls it.
func (d *Daemon) Outputs(cfg emsapi.Config) {
	d.naming.Lock()
	fresh := d.discover(cfg)
	d.naming.Unlock()
	d.follows(fresh)
}

// follows has roots that are new watched.
func (d *Daemon) follows(fresh []*root) {
	for _, r := range fresh {
		select {
		case d.discovery.found <- r:
		case <-d.discovery.left:
			return
		}
	}
}

// discover returns the roots that were not known before. The caller holds naming.
func (d *Daemon) discover(cfg emsapi.Config) []*root {
	var fresh []*root
	for _, s := range d.sections.list() {
		if !s.asksEMS() || !s.isOn() {
			continue
		}
		for _, dir := range Directories(s.Format, cfg) {
			if !s.publishes(dir) && !s.isLeaving(dir.Root) && d.mayPublish(dir, s) {
				fresh = d.publishMore(s, dir, fresh)
			}
			if s.publishes(dir) {
				d.discovery.memory.note(s.Upload, dir, time.Now())
			}
		}
	}
	d.begin(fresh)
	d.saveMemory()
	if !d.ems.asked.Swap(true) {
		d.tellIdle(cfg)
	}
	return fresh
}

// saveMemory keeps what the media server named for the next run.
func (d *Daemon) saveMemory() {
	if err := d.discovery.memory.save(); err != nil {
		d.trouble.Begin(notNoted, trouble.At{}, "err", err, "next",
			"what is left to upload there after a restart is found only if EMS names them again")
	} else {
		d.trouble.End(notNoted, trouble.At{})
	}
}

// tellIdle logs for which sections the media server writes nothing.
func (d *Daemon) tellIdle(cfg emsapi.Config) {
	for _, s := range d.sections.list() {
		if s.asksEMS() && s.isOn() && len(Directories(s.Format, cfg)) == 0 {
			d.log.Info("EMS writes nothing yet for a section without watch_dir", "section", s.name(),
				"next", "it is published when there is an output")
		}
	}
}

// publishMore has s publish dir, too: in a root that is watched already, or in one of fresh, which
// it returns.
func (d *Daemon) publishMore(s *section, dir Directory, fresh []*root) []*root {
	r := s.roots[dir.Root]
	if r == nil || slices.Contains(fresh, r) || r.scope.Load().kind != grouped || dir.Group == "" {
		return s.publishFrom(dir.Root, dir.scope(), fresh)
	}
	s.found++
	d.roots.widen(r, dir.Group)
	r.watcher.Rescan()
	d.log.Info("publishing one more group", "section", s.name(), "root", r.dir, "group", dir.Group)
	return fresh
}

// remembered adds to fresh the roots that the media server named to an earlier run. It is called
// before the daemon runs.
func (d *Daemon) remembered(state string, fresh []*root) []*root {
	var err error // also if no section asks now: a reload may switch one on
	if d.discovery.memory, err = recall(state, time.Now()); err != nil {
		d.trouble.Report(noteUnread, trouble.At{}, "err", err, "next", "it is written again")
	}
	for _, e := range d.discovery.memory.entries {
		for _, s := range d.sections.list() {
			dir := Directory{e.Dir, e.Group, !e.Flat && e.Group == ""}
			if e.isOf(s.Upload) && s.asksEMS() && s.recorded == (dir.Group == "") && !s.publishes(dir) &&
				d.mayPublish(dir, s) {
				fresh = s.publishFrom(dir.Root, dir.scope(), fresh)
			}
		}
	}
	return fresh
}

// mayPublish reports whether s may publish dir, and reports if it may not.
func (d *Daemon) mayPublish(dir Directory, s *section) bool {
	err := d.limits.Refuse(dir)
	if err == nil && (len(s.roots) >= maxFound && s.roots[dir.Root] == nil || s.found >= maxGroups) {
		err = errors.New("there are too many already: set watch_dir to one that holds them all")
	}
	at := trouble.At{Subject: s.ID() + " " + dir.Path()}
	if err == nil {
		d.trouble.End(notPublished, at, "section", s.name(), "root", dir.Path())
		return true
	}
	d.trouble.Begin(notPublished, at, "section", s.name(), "root", dir.Path(), "err", err)
	if !errors.Is(err, errNoAnswer) { // else it is asked again
		d.discovery.refusals.add(fmt.Sprintf("%s of [%s] is not published: %v", dir.Path(), s.name(), err))
	}
	return false
}

// A list may be read while it grows. It has nothing twice, and at most maxFound texts.
type list struct {
	growing sync.Mutex
	all     []string
}

func (l *list) add(s string) {
	l.growing.Lock()
	defer l.growing.Unlock()
	if len(l.all) < maxFound && !slices.Contains(l.all, s) {
		l.all = append(l.all, s)
	}
}

func (l *list) get() []string {
	l.growing.Lock()
	defer l.growing.Unlock()
	return slices.Clone(l.all)
}

// ask publishes the directories into which the media server writes now, before anything runs.
func (d *Daemon) ask(ctx context.Context) error {
	cfg, err := d.ems.now.Load().api.ListConfig(ctx)
	if err != nil {
		return fmt.Errorf("asking EMS where it writes, for a section without watch_dir: %w", err)
	}
	d.discover(cfg)
	return nil
}
