package spool

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"ems-sidecar/internal/disk"
)

// newName is a link in the directory of the links that is about to replace another.
const newName = ".new"

// name returns the name, below the root, of the file that is kept as p.
func (s *Spool) name(p string) string {
	if s.Named == nil {
		return p
	}
	return s.Named(p)
}

// link links p into the spool, and replaces what has the name there.
func (s *Spool) link(p string) error {
	name := s.name(p)
	root, err := disk.OpenRoot(s.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	links, err := s.openDir()
	if err != nil {
		return err
	}
	defer links.Close()
	err = linkBetween(root, links, name, p)
	if errors.Is(err, fs.ErrNotExist) {
		if _, statErr := root.Lstat(name); statErr != nil {
			return statErr
		}
		if err := links.MkdirAll(path.Dir(p), 0o700); err != nil {
			return noPlace(err)
		}
		err = linkBetween(root, links, name, p)
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	was, err := links.Lstat(p)
	if err != nil {
		return noPlace(err)
	}
	is, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if os.SameFile(was, is) {
		return nil
	}
	if err := links.Remove(newName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := linkBetween(root, links, name, newName); err != nil {
		return err
	}
	return noPlace(links.Rename(newName, p))
}

// noPlace returns an error about the spool's own directories that does not say that the file is
// gone.
func noPlace(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errNoPlace
	}
	return err
}

var errNoPlace = errors.New("the spool's directory does not exist")

// openDir opens the directory of the links. It makes the directory if there is none.
func (s *Spool) openDir() (*os.Root, error) {
	links, err := disk.OpenRoot(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = s.makeDir(); err == nil {
			links, err = disk.OpenRoot(s.Dir)
		}
	}
	return links, noPlace(err)
}

func (s *Spool) openLink(p string) (File, error) {
	links, err := disk.OpenRoot(s.Dir)
	if err != nil {
		return nil, err
	}
	defer links.Close()
	return disk.OpenIn(links, p)
}

func (s *Spool) unlink(p string) {
	links, err := disk.OpenRoot(s.Dir)
	if err != nil {
		return // if the directory is gone, so is the link
	}
	defer links.Close()
	if err := links.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail(notRemoved, p, "err", err,
			"next", "the next start compares it with the bucket, and removes it")
	}
}

func (s *Spool) stat(e *entry) (fs.FileInfo, error) {
	if e.file != nil {
		return e.file.Stat()
	}
	links, err := disk.OpenRoot(s.Dir)
	if err != nil {
		return nil, err
	}
	defer links.Close()
	return links.Lstat(e.path)
}

// hold opens p, to keep it open. It returns nil if that is not possible.
func (s *Spool) hold(p string) *os.File {
	f, err := openRegular(s.Root, s.name(p))
	if err == nil {
		return f
	}
	if !errors.Is(err, fs.ErrNotExist) {
		s.begin(exposed, "path", p, "err", err, "links", s.links.refused)
	}
	return nil
}

func openRegular(dir, p string) (*os.File, error) {
	root, err := disk.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return disk.OpenIn(root, p)
}

// report notes whether a link was made, and reports when links become impossible.
func (s *Spool) report(err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err == nil:
		s.links.linkedAt = time.Now()
		return
	}
	s.links.failedAt = time.Now()
	if s.links.refused == "" {
		s.links.refused = err.Error()
		s.begin(noLinks, "err", err, "hint", hint(err),
			"next", "files are held open until they are uploaded, up to held_at_most of them: those that are deleted "+
				"before are lost if this process ends",
			"held_at_most", s.Budget.mostHeld())
	}
}

// reconsider reports when links are possible again, for longer than a full disk takes to be full
// again.
func (s *Spool) reconsider() {
	if s.links.refused != "" && s.links.linkedAt.Sub(s.links.failedAt) > tidyEvery {
		s.links.refused = ""
		s.end(noLinks)
		s.end(exposed)
		s.end(tooManyHeld)
	}
}

// hint says what would make links possible.
func hint(err error) string {
	switch {
	case errors.Is(err, syscall.EXDEV):
		return "spool_dir must be on the file system, and below the mount point, of watch_dir"
	case errors.Is(err, syscall.EROFS):
		return "the spool must be writable; under systemd, ReadWritePaths= in the unit names the directory"
	case errors.Is(err, syscall.EPERM):
		return "the daemon's user must own the files that it links, or have CAP_FOWNER"
	case errors.Is(err, fs.ErrPermission):
		return "make the spool for the daemon's user: install -d -o USER -g USER -m 0700 DIRECTORY " +
			"(docs/install.md, The spool)"
	case errors.Is(err, syscall.ENOSPC):
		return "the file system is full, or out of inodes"
	}
	return "see spool_dir in the manual"
}
