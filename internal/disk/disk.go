// Package disk opens files below a root, notices when a path leads to another directory, and knows
// how long file system calls take. It is for all packages that read what others write.
package disk

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// IsGone reports whether err says that no file has, or can have, that name. Other errors, such as
// one of a disk, do not.
func IsGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, syscall.ENOTDIR) || // a directory in the path has become a file
		errors.Is(err, syscall.ENAMETOOLONG)
}

// emptySlice is how many names IsEmpty reads at once.
const emptySlice = 64

// IsEmpty reports whether all names in dir begin with a dot, as that of a spool does. Then dir may
// be the mount point of a file system that is not mounted.
func IsEmpty(dir string) bool {
	f, err := OpenDir(inside(dir))
	if err != nil {
		return false
	}
	defer f.Close()
	for {
		list, err := f.ReadDir(emptySlice)
		if slices.ContainsFunc(list, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), ".") }) {
			return false
		}
		if err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
