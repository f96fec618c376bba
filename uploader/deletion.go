package uploader

import (
	"context"
	"errors"

	"ems-sidecar/uploader/publish"
)

// deleteObjects deletes the objects of files that are not on the disk. It looks there first.
func (u *Uploader) deleteObjects(ctx context.Context, src *Source, r *publish.Result) {
	keys := u.findDeleted(src, r)
	if len(keys) == 0 {
		return
	}
	if r.Err = src.store(ctx).Delete(ctx, keys); r.Err == nil {
		return
	}
	var some *DeleteError
	partly := errors.As(r.Err, &some)
	for i := range r.Removals {
		rm := &r.Removals[i]
		if rm.Finding != publish.Deleted {
			continue
		}
		rm.Err = r.Err
		if partly {
			rm.Err = some.Failed[rm.Key]
		}
		if rm.Failure = failureOf(rm.Err); partly && rm.Failure == publish.NoAnswer {
			rm.Failure = publish.NotDone // the store said so
		}
	}
}

// findDeleted looks on the disk for the files, and returns the keys of those that were deleted.
func (u *Uploader) findDeleted(src *Source, r *publish.Result) (keys []string) {
	for i := range r.Removals {
		rm := &r.Removals[i]
		rm.Finding = publish.Undecided
		if r.NoRoot == nil && !u.anyHas(rm.Others) {
			rm.Finding, r.NoRoot = src.find(rm.Path, rm.Place)
		}
		if rm.Finding == publish.Deleted {
			keys = append(keys, rm.Key)
		}
	}
	return keys
}

// anyHas reports whether one of the files is on the disk, or may be.
func (u *Uploader) anyHas(others []publish.Other) bool {
	for _, o := range others {
		if src := u.sourceOf(o.Source); src.mayHave(o.Path) {
			return true
		}
	}
	return false
}

// find returns what became of p, which was at the place. The error is about the root.
func (src *Source) find(p string, at *publish.Place) (publish.Finding, error) {
	defer src.disk.End(src.disk.Begin())
	root, err := src.openRoot()
	if err != nil {
		return publish.Undecided, err
	}
	defer root.Close()
	name, holds := src.onDisk(p)
	if !holds {
		return findFormer(root, name, at), nil
	}
	return findIn(root, name, at), nil
}
