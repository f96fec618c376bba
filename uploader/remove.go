package uploader

import (
	"context"
	"errors"
)

// deleteObjects deletes the objects of files that are not on disk, as it finds out first.
func (u *Uploader) deleteObjects(ctx context.Context, r *result) {
	keys := r.findRemovals()
	if len(keys) == 0 {
		return
	}
	if r.err = r.src.dest.Store.Delete(ctx, keys); r.err == nil {
		return
	}
	var some *DeleteError
	partly := errors.As(r.err, &some)
	for i := range r.removals {
		switch rm := &r.removals[i]; {
		case rm.found != deleted:
		case partly:
			rm.err = some.Failed[rm.file.key()]
		default:
			rm.err, rm.unsure = r.err, !errors.Is(r.err, ErrPermanent)
		}
	}
}

// findRemovals looks on the disk for the files, and returns the keys of those that were deleted.
func (r *result) findRemovals() (keys []string) {
	for i := range r.removals {
		rm := &r.removals[i]
		rm.found = undecided
		if r.noRoot == nil && !r.src.othersHave(rm.file.path) {
			rm.found, r.noRoot = r.src.find(rm.file.path, rm.place)
		}
		if rm.found == deleted {
			keys = append(keys, rm.file.key())
		}
	}
	return keys
}

// find tells what became of p, which was at the place; the error is that the root is not there.
func (src *Source) find(p string, at *place) (finding, error) {
	defer src.disk.end(src.disk.begin())
	root, err := src.openRoot()
	if err != nil {
		return undecided, err
	}
	defer root.Close()
	return at.find(root, p), nil
}

// othersHave reports whether a file on disk below another root has the key of p.
func (src *Source) othersHave(p string) bool {
	for o, q := range src.others(p) {
		if o.exists(q) {
			return true
		}
	}
	return false
}
