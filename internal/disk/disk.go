// Package disk has what several packages ask of a file system in the same way.
package disk

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// IsGone reports whether err says that no file has, or can have, that name, and nothing else.
func IsGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, syscall.ENOTDIR) || // a directory in the path has become a file
		errors.Is(err, syscall.ENAMETOOLONG)
}

// emptySlice is how many names are read at once to find one that is not hidden.
const emptySlice = 64

// IsEmpty reports whether there is nothing in dir but dot directories and dot files, such as a spool: then it may be the
// mount point of a file system that is not mounted.
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
