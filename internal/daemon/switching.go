package daemon

import (
	"slices"
	"time"

	"ems-sidecar/config"
)

// switchTo has s publish the directories of u from now on, and no others; if u is nil, none. What
// was closed in the others is still published.
func (d *Daemon) switchTo(s *section, u *config.Upload) {
	d.naming.Lock()
	var wanted []string
	if u != nil {
		wanted = u.WatchDirs
	}
	for dir, r := range s.roots {
		if !slices.Contains(wanted, dir) && (u == nil || !s.asksEMS()) {
			d.retire(s, dir, r)
		}
	}
	s.now.Store(u)
	var fresh []*root
	for _, dir := range wanted {
		if s.roots[dir] == nil {
			fresh = s.publishFrom(dir, scope{kind: whole}, fresh)
		}
	}
	d.begin(fresh)
	d.naming.Unlock()
	d.follows(fresh)
	if u != nil && s.asksEMS() {
		if r := d.ems.now.Load(); r != nil {
			r.hooks.Look("a section is on again")
		}
	}
}

// retire has s publish nothing more of dir. It waits for the root to end, except if its file system
// does not answer. The caller holds naming.
func (d *Daemon) retire(s *section, dir string, r *root) {
	p := s.places[dir]
	p.retired = true
	delete(s.roots, dir)
	d.roots.take(r, p)
	if r.isQuitting() {
		late := time.NewTimer(leaveTime)
		defer late.Stop()
		select {
		case <-r.ended:
		case <-late.C:
		}
	}
	p.source.Retire()
	d.log.Info("publishing no more", "section", s.name(), "root", dir,
		"next", "what was closed there until now is still uploaded")
}

// forgetTrouble forgets what holds in r, of which nothing runs any more, and of its sources if a
// reload has ended it.
func (d *Daemon) forgetTrouble(r *root) {
	r.trouble.ForgetAll()
	another := slices.ContainsFunc(d.roots.list(), func(o *root) bool { return o.dir == r.dir })
	if r.isQuitting() && !another {
		d.trouble.With("root", r.dir).ForgetAll()
	}
}

// isQuitting reports whether no section publishes r any more.
func (r *root) isQuitting() bool { return isClosed(r.quit) }

// hasEnded reports whether nothing of r runs any more, so that another root may use its sources.
func (r *root) hasEnded() bool { return !r.isQuitting() || isClosed(r.ended) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
