package uploader

import (
	"os"
	"path"

	"ems-sidecar/internal/disk"
	"ems-sidecar/uploader/publish"
)

// placeOf returns where p is, which was just closed. If it is gone already, that is where the file
// before it was: the root may be another directory by now.
func (src *Source) placeOf(p string) *publish.Place {
	if !src.dest.Delete {
		return nil
	}
	defer src.disk.End(src.disk.Begin())
	root, err := src.openRoot()
	if err != nil {
		return src.reported.last
	}
	defer root.Close()
	if _, err := root.Lstat(p); err != nil {
		return src.reported.last
	}
	top, topErr := disk.DirectoryIn(root, ".")
	dir, dirErr := disk.DirectoryIn(root, path.Dir(p))
	if topErr != nil || dirErr != nil {
		return src.reported.last
	}
	if src.reported.last == nil || src.reported.last.Device != dir.Device() ||
		!disk.DirectoryOf(src.reported.last.Root).Is(top) {
		src.reported.last = &publish.Place{Root: top.Info(), Device: dir.Device()}
	}
	return src.reported.last
}

// findIn finds out what happened to p, which was at the place below root.
func findIn(root *os.Root, p string, at *publish.Place) publish.Finding {
	top, err := disk.DirectoryIn(root, ".")
	switch {
	case err != nil:
		return publish.Undecided
	case !disk.DirectoryOf(at.Root).Is(top):
		return publish.Elsewhere
	}
	if _, err := root.Lstat(p); !disk.IsGone(err) {
		return publish.Undecided
	}
	return findFormer(root, p, at)
}

// findFormer is findIn for a file that does not have the name p any more, whether or not another one
// has it.
func findFormer(root *os.Root, p string, at *publish.Place) publish.Finding {
	top, err := disk.DirectoryIn(root, ".")
	switch {
	case err != nil:
		return publish.Undecided
	case !disk.DirectoryOf(at.Root).Is(top):
		return publish.Elsewhere
	}
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		switch found, err := disk.DirectoryIn(root, dir); {
		case err == nil && found.Device() != at.Device:
			return publish.Elsewhere
		case err == nil:
			return publish.Deleted
		case !disk.IsGone(err) || dir == ".":
			return publish.Undecided
		}
	}
}
