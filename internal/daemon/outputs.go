package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
)

// Outputs makes roots of the directories into which the media server writes, for the sections that have no watch_dir. A
// root that it does not name any more stays: what it wrote there may still have to be uploaded, and it forgets orders when it
// is started anew. It is called from one goroutine.
func (d *Daemon) Outputs(cfg emsapi.Config) {
	for _, r := range d.discover(cfg) {
		select {
		case d.found <- r:
		case <-d.left:
			return
		}
	}
}

// discover returns the roots that were not known before.
func (d *Daemon) discover(cfg emsapi.Config) []*root {
	var fresh []*root
	for _, s := range d.sections {
		if !s.asksEMS() {
			continue
		}
		for _, dir := range Directories(s.Format, cfg) {
			if !s.publishes(dir) && d.mayPublish(dir, s) {
				fresh = s.publishFrom(dir, s.recorded && !datedIn(dir, cfg), fresh)
			}
			if whole, ok := s.dirs[dir]; ok {
				d.memory.note(s.Section, dir, !whole, time.Now())
			}
		}
	}
	d.begin(fresh)
	if err := d.memory.save(); err != nil && d.refused.first("memory") {
		d.log.Warn("directories that EMS names are not noted", "err", err, "next",
			"what is left to upload there after a restart is found only if EMS names them again")
	}
	if !d.asked.Swap(true) && d.cfg.AsksEMS() {
		for _, s := range d.sections {
			if s.asksEMS() && len(Directories(s.Format, cfg)) == 0 {
				d.log.Info("EMS writes nothing yet for a section without watch_dir", "section", s.Section, "next", "it is published when there is an output")
			}
		}
	}
	return fresh
}

// remembered adds the roots that the media server named to an earlier run. It is called before the daemon runs.
func (d *Daemon) remembered(state string, fresh []*root) []*root {
	if !d.cfg.AsksEMS() {
		return fresh
	}
	var err error
	if d.memory, err = recall(state, time.Now()); err != nil {
		d.log.Warn("the note of directories that EMS has named cannot be read", "err", err, "next", "it is written anew")
	}
	for _, e := range d.memory.entries {
		for _, s := range d.sections {
			if s.Section == e.Section && s.asksEMS() && !s.publishes(e.Dir) && d.mayPublish(e.Dir, s) {
				fresh = s.publishFrom(e.Dir, e.Flat, fresh)
			}
		}
	}
	return fresh
}

// Directories returns the directories into which the media server writes a format: those that hold its groups, or its recordings.
func Directories(f config.Format, cfg emsapi.Config) []string {
	var found []string
	add := func(p string) {
		if p != "" {
			found = append(found, filepath.Dir(filepath.Clean(p)))
		}
	}
	if f == config.Record {
		for _, r := range cfg.Record {
			add(r.PathToFile)
		}
	}
	outputs := map[config.Format][]emsapi.Output{config.HLS: cfg.HLS, config.HDS: cfg.HDS, config.DASH: cfg.DASH, config.MSS: cfg.MSS}
	for _, o := range outputs[f] {
		add(o.GroupTargetFolder)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// datedIn reports whether recordings are in directories in dir, one for each day: with dateFolderStructure=1, EMS says
// <dir>/<date>/ of what it writes there.
func datedIn(dir string, cfg emsapi.Config) bool {
	return slices.ContainsFunc(cfg.Record, func(r emsapi.Recording) bool {
		p := filepath.ToSlash(r.PathToFile)
		return strings.HasSuffix(p, "/") && filepath.Dir(filepath.Clean(p)) == dir
	})
}

// publishes reports whether the section has dir already, by itself or in another directory.
func (s *section) publishes(dir string) bool {
	for known, whole := range s.dirs {
		if rel, err := filepath.Rel(known, dir); err == nil && (rel == "." || whole && filepath.IsLocal(rel)) {
			return true
		}
	}
	return false
}

// maxFound bounds the directories of one section: each is watched until the daemon ends.
const maxFound = 100

// mayPublish reports whether dir can be a root of s, and says once if it cannot.
func (d *Daemon) mayPublish(dir string, s *section) bool {
	err := Publishable(dir, d.cfg.Upload)
	if err == nil && len(s.dirs) == maxFound {
		err = fmt.Errorf("there are %d already: set watch_dir to one that holds them all", maxFound)
	}
	if err == nil {
		return true
	}
	if d.refused.first(s.Section + " " + dir) {
		d.log.Error("directory that EMS writes to is not published", "section", s.Section, "root", dir, "err", err)
		d.refusals.add(fmt.Sprintf("%s of [%s] is not published: %v", dir, s.Section, err))
	}
	return false
}

// Publishable says what keeps a directory that EMS names from being watched.
func Publishable(dir string, pool config.Pool) error {
	if !filepath.IsAbs(dir) || dir == string(filepath.Separator) {
		return errors.New("it is no directory of this host that could be watched: set watch_dir to the directory as this host sees it")
	}
	if pool.SpoolDir != "" && spoolShows(dir, pool.SpoolDir) {
		return errors.New("spool_dir lies in it, and would be uploaded itself: set another one")
	}
	return nil
}

// spoolShows reports whether the spool lies below dir under names that are not hidden.
func spoolShows(dir, spool string) bool {
	rel, err := filepath.Rel(dir, spool)
	return err == nil && filepath.IsLocal(rel) && !strings.Contains("/"+filepath.ToSlash(rel), "/.")
}

// A list may be read while it grows. It has nothing twice, and what is too much is left out.
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

// refused remembers what was said.
type refused struct {
	saying sync.Mutex
	said   map[string]bool
}

// maxSaid bounds what is remembered.
const maxSaid = 1000

func (r *refused) first(what string) bool {
	r.saying.Lock()
	defer r.saying.Unlock()
	if r.said[what] {
		return false
	}
	if r.said == nil || len(r.said) == maxSaid {
		r.said = make(map[string]bool)
	}
	r.said[what] = true
	return true
}

// ask makes roots of what the media server writes to now, before anything runs.
func (d *Daemon) ask(ctx context.Context) error {
	cfg, err := d.api.ListConfig(ctx)
	if err != nil {
		return fmt.Errorf("where EMS writes to is not known, and a section has no watch_dir: %w", err)
	}
	d.discover(cfg)
	return nil
}
