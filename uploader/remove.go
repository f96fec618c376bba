package uploader

import (
	"context"
	"errors"
	"os"
)

// deleteObjects deletes the objects of files that are not on disk, as it finds out first.
func (u *Uploader) deleteObjects(ctx context.Context, r *result) {
	roots := make(map[*Source]*os.Root)
	r.noRoot = make(map[*Source]error)
	defer func() {
		for _, root := range roots {
			if root != nil {
				root.Close()
			}
		}
	}()
	var keys []string
	for i := range r.removals {
		rm := &r.removals[i]
		src, p := rm.file.src, rm.file.path
		root, known := roots[src]
		if !known {
			root, r.noRoot[src] = src.openRoot()
			roots[src] = root
		}
		rm.found = undecided
		if root != nil && !src.othersHave(p) {
			rm.found = rm.place.find(root, p)
		}
		if rm.found == deleted {
			keys = append(keys, rm.file.key())
		}
	}
	if len(keys) == 0 {
		return
	}
	if r.err = r.dest.Store.Delete(ctx, keys); r.err == nil {
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

// othersHave reports whether a file on disk below another root has the key of p.
func (src *Source) othersHave(p string) bool {
	for o, q := range src.others(p) {
		if o.exists(q) {
			return true
		}
	}
	return false
}
