package uploader

import (
	"bytes"
	"context"
	"errors"

	"ems-sidecar/uploader/publish"
)

// withdrawn is appended to the key of a playlist that is removed as stale: the object has what players
// had last. Some go on asking for the playlist. When it returns, its numbers must go on, also if the
// daemon was started again meanwhile, or on another host.
const withdrawn = ".withdrawn"

// withdraw deletes the object of the playlist, also if its file is on the disk, and keeps its content.
func (u *Uploader) withdraw(ctx context.Context, src *Source, j publish.Job) error {
	kept := publish.Result{Job: j}
	kept.Key, kept.Task = j.Key+withdrawn, publish.PutManifest
	err := u.put(ctx, src, &kept, bytes.NewReader(j.Manifest.Bytes), int64(len(j.Manifest.Bytes)))
	if err != nil && !errors.Is(err, ErrPermanent) { // a store that refuses that takes the deletion all the same
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	err = src.store(ctx).Delete(ctx, []string{j.Key})
	if some := (*DeleteError)(nil); errors.As(err, &some) {
		return some.Failed[j.Key]
	}
	return err
}
