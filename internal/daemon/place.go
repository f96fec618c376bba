package daemon

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"ems-sidecar/uploader"
	"ems-sidecar/watcher"
)

// A place is where a source is. It outlives a root that is not published any more, because the
// source still has what is left to upload there.
type place struct {
	source    *uploader.Source
	reporting sync.Mutex // of a root that goes, or of the next one
	retired   bool
	root      atomic.Pointer[root] // the last one there
}

// Expect implements uploader.Expecter.
func (p *place) Expect(paths ...string) { p.root.Load().watcher.Expect(paths...) }

// report tells the source what happened.
func (p *place) report(ctx context.Context, e watcher.Event) {
	p.reporting.Lock()
	defer p.reporting.Unlock()
	switch e.Op {
	case watcher.Closed:
		p.source.Closed(ctx, e.Path, e.Version)
	case watcher.Removed:
		p.source.Removed(ctx, e.Path)
	case watcher.Absent:
		p.source.Absent(ctx, e.Path)
	}
}

// placeOf returns the place of s in r: a new one, or one that a reload has retired.
func (d *Daemon) placeOf(s *section, r *root) *place {
	p := s.places[r.dir]
	if p != nil && p.retired {
		p.retired = false
		p.root.Store(r)
		p.source.Revive()
		return p
	}
	p = new(place)
	p.root.Store(r)
	p.source = d.up.Source(r.dir, s.layout, s.dest, p)
	p.source.Spare = func(path string) bool {
		return p.root.Load().isLeft(path) || d.config().AsksEMS() && !d.ems.asked.Load()
	}
	s.places[r.dir] = p
	return p
}

// isLeaving reports whether a root in dir that s does not publish any more still runs: its file
// system does not answer. The caller holds naming.
func (s *section) isLeaving(dir string) bool {
	p := s.places[dir]
	return p != nil && p.retired && !p.root.Load().hasEnded()
}

func (d *Daemon) isLeaving(s *section, dir string) bool {
	d.naming.Lock()
	defer d.naming.Unlock()
	return s.isLeaving(dir)
}

// sections are all sections, also those that a reload has switched off.
type sections struct {
	adding sync.Mutex // guards all
	all    []*section
}

func (ss *sections) add(s *section) {
	ss.adding.Lock()
	defer ss.adding.Unlock()
	ss.all = append(slices.Clip(ss.all), s) // callers of list may still use the former one
}

func (ss *sections) list() []*section {
	ss.adding.Lock()
	defer ss.adding.Unlock()
	return ss.all
}
