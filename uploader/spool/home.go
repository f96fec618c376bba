package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

// A home is the root as it was found: another directory may have its name later.
type home struct {
	root   fs.FileInfo
	device uint64
}

// errAway says that a name which is not there may be there again later.
var errAway = errors.New("the root is an empty directory on another device now: its file system is not mounted")

// locate takes in which directory the root is now. The error is not fs.ErrNotExist, and says that nothing can be told of
// the files of the root that was known.
func (s *Spool) locate() error {
	fi, err := os.Stat(s.Root)
	if err == nil && !fi.IsDir() {
		err = errors.New("it is not a directory")
	}
	if err != nil {
		return fmt.Errorf("the root is not there: %v", err)
	}
	if s.home == nil || !os.SameFile(fi, s.home.root) {
		s.move(&home{fi, disk.Device(fi)})
	}
	if s.away != nil {
		return errAway
	}
	return nil
}

// move takes in that the root is another directory now: it has come, it is another one, or it is the mount point of one
// that is not mounted. That is decided as the watcher does.
func (s *Spool) move(to *home) {
	known, still := s.home, s.away != nil && to.device == s.home.device
	if s.away != nil {
		known = s.away
	}
	s.home = to
	if known == nil {
		return
	}
	if to.device != known.device && (still || disk.IsEmpty(s.Root)) {
		s.begin(rootUnmounted, "kept", len(s.entries), "next", "what waits for its upload there waits until it is back",
			"hint", "is its file system not mounted?")
		s.away = known
		return
	}
	back := s.away != nil
	s.away = nil
	lost := s.takeAlong()
	if back {
		s.end(rootUnmounted, "kept", len(s.entries))
	}
	if lost > 0 {
		s.fail(rootReplaced, "", "count", lost, "next", "those of them that EMS has deleted are lost")
	}
}

// takeAlong looks what there is in the present root of what was kept in former ones, and forgets the rest.
func (s *Spool) takeAlong() (lost int) {
	links, err := disk.OpenRoot(s.Dir)
	if err == nil {
		defer links.Close()
	}
	for _, e := range s.entries {
		if e.home == s.home {
			continue
		}
		if e.file == nil {
			var fi fs.FileInfo
			if links != nil {
				fi, err = links.Lstat(e.path)
			}
			if err != nil || media.VersionOf(fi).Inode != e.version.Inode { // it may have been written to since
				lost++
				s.forget(e)
				continue
			}
		}
		e.home = s.home
	}
	return lost
}

// isHome reports whether root is the directory that is known.
func (s *Spool) isHome(root *os.Root) bool {
	fi, err := root.Stat(".")
	return err == nil && s.home != nil && os.SameFile(fi, s.home.root)
}
