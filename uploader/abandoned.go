package uploader

import (
	"context"
	"path"
	"strings"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
)

const (
	// Parts of an upload that no one continues cost money as objects do. So long after the last one came in,
	// not even a host that was repaired goes on.
	abandonedAfter = 3 * 24 * time.Hour
	abandonedCheck = 24 * time.Hour
)

// abortAbandoned aborts, at the start and each day, what is left of uploads of recordings that are not on disk any more,
// until ctx ends.
func (u *Uploader) abortAbandoned(ctx context.Context) {
	tick := time.NewTicker(abandonedCheck)
	defer tick.Stop()
	for {
		select {
		case <-u.bulk: // it is in this turn
		default:
		}
		done := make(map[*Destination]bool)
		for _, src := range u.all() {
			d := src.dest
			if !src.bulk() || done[d] {
				continue
			}
			done[d] = true
			n, err := d.Store.AbortUploads(ctx, d.Prefix, abandonedAfter, u.keepsUpload)
			if ctx.Err() != nil {
				return
			}
			if n > 0 {
				u.log.Info("abandoned uploads aborted", "bucket", d.Bucket, "prefix", d.Prefix, "count", n)
			}
			if err != nil {
				u.log.Warn("abandoned uploads cannot be aborted", "bucket", d.Bucket, "prefix", d.Prefix, "err", err,
					"next", "their parts stay in the bucket; tried again", "retry_in", abandonedCheck)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-u.bulk:
		case <-tick.C:
		}
	}
}

// keepsUpload reports whether an upload of the key is to be left alone: it is no recording of a directory that is
// here, or its file is still on disk.
func (u *Uploader) keepsUpload(key string) bool {
	ours := false
	for _, src := range u.all() {
		p, ok := strings.CutPrefix(key, src.dest.Prefix)
		if !ok || p == "" {
			continue
		}
		if src.exists(p) || src.bulk() && src.exists(ownPath(p)) {
			return true
		}
		if src.bulk() && disk.IsEmpty(src.dir) {
			return true // its disk may not be mounted
		}
		ours = ours || src.bulk() && src.layout.Kind(p).Role == media.ChunkFile && src.exists(path.Dir(p))
	}
	return !ours
}
