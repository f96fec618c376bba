// R6: nothing is lost. A file that was closed keeps its content here until its upload, although EMS deletes its
// name, the bucket is away, or the daemon ends.

package spool

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"ems-sidecar/media"
)

// keep links the file, or holds it open.
func (s *Spool) keep(ctx context.Context, p string, v media.Version) {
	old := s.entry(p)
	if old != nil && old.version.Equal(v) {
		return
	}
	if old != nil && old.file == nil && old.version.Inode == v.Inode && v.Inode != 0 && old.claim == nil {
		old.version = v // written in place, the link has it
		return
	}
	if s.locate(); s.home.Directory() == nil {
		return // what is read of it tells that the root is not there
	}
	if old != nil && s.Aside != nil && old.version.Size > 0 && old.version.Inode != v.Inode && s.setAside(ctx, old) {
		old = nil
	}
	e := &entry{path: p, version: v, home: s.home.Directory()}
	err := s.link(p)
	s.report(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return // it was deleted at once, or the root is gone
	case err != nil:
		if old != nil {
			s.remove(old) // or a later start would find its link, and send old content under the name
			old = nil
		}
		if e.file = s.hold(p); e.file == nil {
			return
		}
	}
	if old != nil {
		s.forget(old)
	}
	s.entries[p] = e
	if e.file == nil {
		s.dirs[path.Dir(p)]++
		if s.prepared == nil { // links have become possible
			s.readied = nil
			s.prepare()
		}
		return
	}
	s.held = append(s.held, e)
	s.held = slices.DeleteFunc(s.held, func(e *entry) bool { return e.gone })
	for len(s.held) > s.Budget.mostHeld() {
		s.evict(ctx, s.held[0])
		s.held = s.held[1:]
	}
}

// orphan takes in that the name of e is gone: its bytes count from now on.
func (s *Spool) orphan(e *entry) {
	if e.claim == nil {
		e.claim = &claim{owner: s, path: e.path, bytes: e.version.Size, since: e.version.ModTime}
		s.Budget.count(e.home.Device(), e.claim)
	}
}

// rejoin takes in that e has its name after all, or is gone.
func (s *Spool) rejoin(e *entry) {
	if e.claim != nil {
		s.Budget.drop(e.claim)
		e.claim = nil
	}
}

// evict gives e up.
func (s *Spool) evict(ctx context.Context, e *entry) {
	lonely := e.claim != nil
	s.remove(e)
	if lonely {
		s.Evicted(ctx, e.path)
	} else {
		s.begin(tooManyHeld, "path", e.path,
			"most", s.Budget.mostHeld(), "hint", "make links possible, or raise the limit of open files (LimitNOFILE=)")
	}
}

// remove deletes what is kept of e.
func (s *Spool) remove(e *entry) {
	if e.file == nil {
		s.unlink(e.path)
	}
	s.forget(e)
}

// forget drops e, whose link is another's or gone.
func (s *Spool) forget(e *entry) {
	e.gone = true
	if e.file != nil {
		e.file.Close() // it was only read
	} else if dir := path.Dir(e.path); s.dirs[dir] > 0 {
		s.dirs[dir]--
	}
	s.rejoin(e)
	if s.entries[e.path] == e {
		delete(s.entries, e.path)
	}
}
