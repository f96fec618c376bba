// R6: nothing is lost. The spool keeps the content of a closed file until its upload, although EMS
// deletes the name, the bucket is away, or the daemon ends.

package spool

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"ems-sidecar/media"
)

// keep links the file, or holds it open. It reports whether it began to.
func (s *Spool) keep(ctx context.Context, p string, v media.Version) bool {
	old := s.entry(p)
	switch {
	case old == nil:
	case old.version.Equal(v):
		return false
	case old.isLinkOf(v):
		old.version = v
		return true
	}
	_ = s.locate() // if the root is away, the link fails
	if s.home.Directory() == nil {
		return false // the reader of the file will find that there is no root
	}
	if old != nil && s.isTaken(old, v) && s.setAside(ctx, old) {
		old = nil
	}
	e := &entry{path: p, version: v, home: s.home.Directory()}
	err := s.link(p)
	s.report(err)
	if errors.Is(err, fs.ErrNotExist) {
		return false // it was deleted at once, or the root is gone
	}
	if err != nil {
		if old != nil {
			s.remove(old) // or a later start would find its link, and send old content under the name
			old = nil
		}
		if e.file = s.hold(p); e.file == nil {
			return false
		}
	}
	s.add(ctx, e, old)
	return true
}

// isLinkOf reports whether v is content that was written in place since: the link has it.
func (e *entry) isLinkOf(v media.Version) bool {
	return e.file == nil && e.claim == nil && e.version.Inode == v.Inode && v.Inode != 0
}

// isTaken reports whether another file has taken the name of old, whose content is still wanted.
func (s *Spool) isTaken(old *entry, v media.Version) bool {
	return s.Aside != nil && old.version.Size > 0 && old.version.Inode != v.Inode
}

// add has e replace old, which may be nil.
func (s *Spool) add(ctx context.Context, e, old *entry) {
	if old != nil {
		s.forget(old)
	}
	s.entries[e.path] = e
	if e.file != nil {
		s.addHeld(ctx, e)
		return
	}
	s.dirs[path.Dir(e.path)]++
	if s.links.dir == nil { // links have become possible
		s.links.readied = nil
		s.prepare()
	}
}

// addHeld counts e as held open, and gives up the oldest such files if there are too many.
func (s *Spool) addHeld(ctx context.Context, e *entry) {
	s.held = append(s.held, e)
	s.held = slices.DeleteFunc(s.held, func(e *entry) bool { return e.gone })
	for len(s.held) > s.Budget.mostHeld() {
		s.evict(ctx, s.held[0])
		s.held = s.held[1:]
	}
}

// setAside moves e to another path, and reports whether that was possible.
func (s *Spool) setAside(ctx context.Context, e *entry) bool {
	name, other := e.path, s.Aside(e.path, e.version)
	if s.entry(other) != nil {
		return false
	}
	if e.file == nil {
		links, err := s.openDir()
		if err == nil {
			defer links.Close()
			err = links.Rename(name, other)
		}
		if err != nil {
			s.fail(lostToName, name, "err", err, "next", "the other one is uploaded")
			return false
		}
	}
	s.rejoin(e)
	delete(s.entries, name)
	e.path = other
	s.entries[other] = e
	s.orphan(e)
	s.fail(nameTaken, name, "goes_on_as", other,
		"next", "both are uploaded; see which clean-up deletes files that are not uploaded yet")
	s.Found(ctx, other, e.version)
	return true
}

// Move has what is kept of p be kept as q instead, if q is not kept yet.
func (s *Spool) Move(ctx context.Context, p, q string) {
	s.ask(ctx, func() {
		if e := s.entry(p); e != nil && s.entry(q) == nil {
			s.move(e, q)
		}
	})
}

// move keeps e as q.
func (s *Spool) move(e *entry, q string) {
	if e.file == nil {
		err := s.renameLink(e.path, q)
		if err != nil {
			s.fail(notMoved, e.path, "as", q, "err", err, "next", "it is kept again when it is reported again")
			return
		}
		s.dirs[path.Dir(e.path)]--
		s.dirs[path.Dir(q)]++
	}
	alone := e.claim != nil
	s.rejoin(e)
	delete(s.entries, e.path)
	e.path = q
	s.entries[q] = e
	if alone {
		s.orphan(e)
	}
}

// renameLink renames a link.
func (s *Spool) renameLink(p, q string) error {
	links, err := s.openDir()
	if err != nil {
		return err
	}
	defer links.Close()
	if err := links.MkdirAll(path.Dir(q), 0o700); err != nil {
		return noPlace(err)
	}
	return links.Rename(p, q)
}

// orphan notes that the name of e is gone. Its bytes count from now on.
func (s *Spool) orphan(e *entry) {
	if e.claim == nil {
		e.claim = &claim{owner: s, path: e.path, bytes: e.version.Size, since: e.version.ModTime}
		s.Budget.count(e.home.Device(), e.claim)
	}
}

// rejoin notes that e has its name after all, or is no longer kept. Its bytes stop counting.
func (s *Spool) rejoin(e *entry) {
	if e.claim != nil {
		s.Budget.drop(e.claim)
		e.claim = nil
	}
}

// evict gives e up. If the name is gone, the content is lost.
func (s *Spool) evict(ctx context.Context, e *entry) {
	last := e.claim != nil
	s.remove(e)
	if last {
		s.Evicted(ctx, e.path)
	} else {
		s.begin(tooManyHeld, "path", e.path,
			"most", s.Budget.mostHeld(), "hint", "make links possible, or raise the limit of open files (LimitNOFILE=)")
	}
}

// remove deletes the link of e, and forgets e.
func (s *Spool) remove(e *entry) {
	if e.file == nil {
		s.unlink(e.path)
	}
	s.forget(e)
}

// forget drops e. Its link is gone, or belongs to another entry.
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
