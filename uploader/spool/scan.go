package spool

import (
	"context"
	"errors"
	"io"
	"os"
	"path"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

// A scan reads the directory of the links, in slices. Between two, the spool serves callers.
type scan struct {
	home     *disk.Directory
	returned bool // the root was known before
	root     *os.Root
	links    *os.Root
	dirs     []string // still to be read
	dir      string   // being read
	open     *os.File // dir, or nil
	found    int      // files that only the spool has
}

// Scanned is closed when Found was called for all that an earlier run has kept, or when nothing can
// be kept.
func (s *Spool) Scanned() <-chan struct{} { return s.scanned }

func (s *Spool) nothingToScan() {
	s.scannedOnce.Do(func() { close(s.scanned) })
}

// beginScan begins to read what is in the spool. Files that have their names are reported if the
// root has returned.
func (s *Spool) beginScan(returned bool) {
	s.endScan()
	c := &scan{home: s.home.Directory(), returned: returned, dirs: []string{"."}}
	var err error
	if c.root, err = s.home.Enter(); err == nil {
		c.links, err = disk.OpenRoot(s.Dir)
	}
	if err == nil {
		s.scanning = c
		return
	}
	c.close()
	s.links.readied = nil // the next prepare tries again
}

func (c *scan) close() {
	// Errors are ignored: what is closed here was only read.
	if c.open != nil {
		c.open.Close()
	}
	for _, r := range []*os.Root{c.root, c.links} {
		if r != nil {
			r.Close()
		}
	}
}

func (s *Spool) endScan() {
	if s.scanning != nil {
		s.scanning.close()
		s.scanning = nil
	}
}

// goOnScanning reads the next slice of names.
func (s *Spool) goOnScanning(ctx context.Context) {
	c := s.scanning
	if c.home != s.home.Directory() {
		s.endScan() // of another root; the next prepare begins a new one
		return
	}
	if c.open == nil {
		if len(c.dirs) == 0 {
			if c.found > 0 {
				s.Log.Info("files that were deleted before their upload are in the spool", "spool", s.Dir, "count", c.found)
			}
			s.endScan()
			s.nothingToScan()
			return
		}
		last := len(c.dirs) - 1
		c.dir, c.dirs = c.dirs[last], c.dirs[:last]
		f, err := disk.OpenDirIn(c.links, c.dir)
		if err != nil {
			s.unreadable(c.dir, err)
			return
		}
		c.open = f
		s.dirs[c.dir] += 0
	}
	list, err := c.open.ReadDir(scanSlice)
	for _, d := range list {
		p := path.Join(c.dir, d.Name())
		if d.IsDir() {
			c.dirs = append(c.dirs, p)
			continue
		}
		s.scanName(ctx, p)
	}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			s.unreadable(c.dir, err)
		}
		c.open.Close()
		c.open = nil
	}
}

func (s *Spool) unreadable(dir string, err error) {
	s.fail(unread, dir, "err", err, "next", "its files stay there; files in other directories are uploaded")
}

// scanName keeps p, and reports it.
func (s *Spool) scanName(ctx context.Context, p string) {
	c, known := s.scanning, s.entries[p] != nil
	switch e := s.entry(p); {
	case e == nil:
	case e.claim != nil: // also if a caller asked for it before
		c.found++
		s.Found(ctx, p, e.version)
	case c.returned && !known: // the watcher has reported it already
		s.Returned(p)
	} // else the watcher will report its closing
}

// take returns a new entry for the link p that a scan has not reached yet, or nil.
func (s *Spool) take(p string) *entry {
	c := s.scanning
	if s.entries[p] != nil || p == newName || c == nil || c.home != s.home.Directory() {
		return nil
	}
	fi, err := c.links.Lstat(p)
	if err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	e := &entry{path: p, version: media.VersionOf(fi), home: c.home}
	named, err := c.root.Lstat(s.name(p))
	switch isOwnName := s.name(p) == p; {
	case err != nil && !disk.IsGone(err):
		s.fail(leftAlone, p, "err", err, "next", "the next start looks at it again")
		return nil
	case err != nil || !os.SameFile(named, fi) && !isOwnName:
		s.orphan(e)
	case !os.SameFile(named, fi), s.Fresh && !isOwnName:
		s.unlink(p) // what has the name is wanted
		return nil
	}
	s.entries[p] = e
	s.dirs[path.Dir(p)]++
	return e
}

// entry returns what is kept of p, or nil. It includes what the scan under way has not reached yet.
func (s *Spool) entry(p string) *entry {
	if e := s.entries[p]; e != nil {
		return e
	}
	return s.take(p)
}
