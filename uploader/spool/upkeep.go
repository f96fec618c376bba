package spool

import (
	"context"
	"io/fs"
	"os"
	"path"
	"syscall"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

// prepare makes the directory of the links, and begins to scan it, when the root has come or is
// another directory now.
func (s *Spool) prepare() {
	defer s.Disk.End(s.Disk.Begin())
	if s.locate() != nil || s.isPrepared() {
		return
	}
	returned := s.links.readied != nil
	s.links.readied = s.home.Directory()
	links, err := s.openDir()
	if err == nil {
		s.links.dir, err = disk.DirectoryIn(links, ".")
		links.Close()
	}
	s.Budget.use(s.Root)
	if err == nil && s.home.Directory().Device() != s.links.dir.Device() {
		err = &os.LinkError{Op: "link", Old: s.Root, New: s.Dir, Err: syscall.EXDEV}
	}
	if err != nil {
		s.report(err)
		s.nothingToScan()
		return
	}
	s.takeLock()
	s.beginScan(returned)
}

// isPrepared reports whether nothing has changed since the last prepare. It asks for the lock again
// if another process had it.
func (s *Spool) isPrepared() bool {
	switch {
	case s.home.Directory() != s.links.readied:
		return false
	case s.links.dir == nil:
		return s.links.refused != "" // it is tried with each file
	}
	now, err := os.Stat(s.Dir)
	if err != nil || !s.links.dir.Is(disk.DirectoryOf(now)) {
		return false
	}
	if s.links.contended {
		s.takeLock()
	}
	return true
}

// tidy finds the names that went away, or came back, without a report, as those do whose closing
// was not reported. It removes directories without links.
func (s *Spool) tidy(ctx context.Context) {
	_ = s.locate() // what was kept in another root is left alone below
	root, err := s.home.Enter()
	if err != nil {
		return
	}
	defer root.Close()
	for _, e := range s.entries {
		if s.isHere(e) { // else it is in a root that is not mounted now
			named, err := root.Lstat(s.name(e.path))
			s.recheck(ctx, e, named, err)
		}
	}
	s.removeEmptyDirs()
}

// recheck applies what was found under the name of e.
func (s *Spool) recheck(ctx context.Context, e *entry, named fs.FileInfo, err error) {
	taken := false // by another file, although what is kept is still wanted
	if s.name(e.path) != e.path && err == nil && e.claim == nil {
		fi, statErr := s.stat(e)
		taken = statErr == nil && !os.SameFile(fi, named)
	}
	switch {
	case (disk.IsGone(err) || taken) && e.claim == nil:
		s.orphan(e)
		if fi, err := s.stat(e); err == nil && !e.gone {
			e.version = media.VersionOf(fi)
			s.Found(ctx, e.path, e.version)
		}
	case err == nil && e.claim != nil:
		if fi, err := s.stat(e); err == nil && os.SameFile(fi, named) {
			s.rejoin(e)
		}
	}
}

// removeEmptyDirs removes the directories in which no link is left.
func (s *Spool) removeEmptyDirs() {
	links, err := disk.OpenRoot(s.Dir)
	if err != nil {
		return
	}
	defer links.Close()
	for dir, n := range s.dirs {
		if n > 0 {
			continue
		}
		delete(s.dirs, dir)
		for ; dir != "." && s.dirs[dir] == 0; dir = path.Dir(dir) {
			if links.Remove(dir) != nil {
				break // not empty, or gone
			}
		}
	}
}
