package uploader

import (
	"io/fs"
	"os"
	"path"

	"ems-sidecar/internal/disk"
)

// A place is where a file was when it was closed. That its name is not there says that it was deleted only in the
// same root, and on the same disk below it: one that is not mounted has no files, either.
type place struct {
	root   fs.FileInfo
	device uint64 // of the file's directory
}

// placeOf returns where p is that was just closed. If it is gone already, that is where the one before was: the root may
// be another one by now.
func (src *Source) placeOf(p string) *place {
	if !src.dest.Delete {
		return nil
	}
	defer src.disk.End(src.disk.Begin())
	root, err := src.openRoot()
	if err != nil {
		return src.last
	}
	defer root.Close()
	if _, err := root.Lstat(p); err != nil {
		return src.last
	}
	top, topErr := root.Stat(".")
	dir, dirErr := root.Stat(path.Dir(p))
	if topErr != nil || dirErr != nil {
		return src.last
	}
	if device := disk.Device(dir); src.last == nil || src.last.device != device || !os.SameFile(src.last.root, top) {
		src.last = &place{top, device}
	}
	return src.last
}

// A finding is what the disk says of a name that was reported to be gone.
type finding uint8

const (
	deleted   finding = iota
	undecided         // the root is not there, or the name is: perhaps later
	elsewhere         // what is there now is another root, or another disk
)

// find tells what became of p, which was at the place.
func (at *place) find(root *os.Root, p string) finding {
	top, err := root.Stat(".")
	switch {
	case err != nil:
		return undecided
	case !os.SameFile(top, at.root):
		return elsewhere
	}
	if _, err := root.Lstat(p); !disk.IsGone(err) {
		return undecided
	}
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		switch fi, err := root.Stat(dir); {
		case err == nil && disk.Device(fi) != at.device:
			return elsewhere
		case err == nil:
			return deleted
		case !disk.IsGone(err) || dir == ".":
			return undecided
		}
	}
}
