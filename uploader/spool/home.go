package spool

import (
	"errors"
	"fmt"
	"io/fs"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

// errAway says that a name which does not exist now may exist again later.
var errAway = errors.New("the root is an empty directory on another device now: its file system is not mounted")

// locate finds out which directory the root is now. An error says that nothing is known of its
// files now. It does not wrap fs.ErrNotExist, which would say that a file was deleted.
func (s *Spool) locate() error {
	sight, err := s.home.Look()
	switch sight {
	case disk.Absent, disk.Gone:
		return fmt.Errorf("the root is unavailable: %v", err)
	case disk.Unmounted:
		s.begin(rootUnmounted, "kept", len(s.entries), "next", "what waits for its upload there waits until it is back",
			"hint", "is its file system not mounted?")
	case disk.Replaced, disk.Remounted:
		lost := s.takeAlong()
		s.end(rootUnmounted, "kept", len(s.entries))
		if lost > 0 {
			s.fail(rootReplaced, "", "count", lost, "next", "those of them that were deleted are lost")
		}
	}
	if s.home.IsUnmounted() {
		return errAway
	}
	return nil
}

// takeAlong finds in the present root what was kept in former ones, and forgets the rest.
func (s *Spool) takeAlong() (lost int) {
	links, err := disk.OpenRoot(s.Dir)
	if err == nil {
		defer links.Close()
	}
	for _, e := range s.entries {
		if s.isHere(e) {
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
		e.home = s.home.Directory()
	}
	return lost
}

// isHere reports whether e was kept in the directory that is the root now.
func (s *Spool) isHere(e *entry) bool { return e.home == s.home.Directory() }
