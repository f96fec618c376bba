package uploader

import (
	"os"
	"path"

	"ems-sidecar/internal/disk"
	"ems-sidecar/uploader/publish"
)

// placeOf returns where p is that was just closed. If it is gone already, that is where the one before was: the root may
// be another one by now.
func (src *Source) placeOf(p string) *publish.Place {
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
	if device := disk.Device(dir); src.last == nil || src.last.Device != device || !os.SameFile(src.last.Root, top) {
		src.last = &publish.Place{Root: top, Device: device}
	}
	return src.last
}

// findIn tells what became of p, which was at the place below root.
func findIn(root *os.Root, p string, at *publish.Place) publish.Finding {
	top, err := root.Stat(".")
	switch {
	case err != nil:
		return publish.Undecided
	case !os.SameFile(top, at.Root):
		return publish.Elsewhere
	}
	if _, err := root.Lstat(p); !disk.IsGone(err) {
		return publish.Undecided
	}
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		switch fi, err := root.Stat(dir); {
		case err == nil && disk.Device(fi) != at.Device:
			return publish.Elsewhere
		case err == nil:
			return publish.Deleted
		case !disk.IsGone(err) || dir == ".":
			return publish.Undecided
		}
	}
}
