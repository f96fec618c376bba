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
	// Parts of an upload that no host continues cost money, as objects do. abandonedAfter the last
	// part, not even a host that was repaired continues.
	abandonedAfter = 3 * 24 * time.Hour
	abandonedCheck = 24 * time.Hour
)

// abortAbandoned aborts, at the start and each day, unfinished uploads of recordings that are no
// longer on disk. It returns when ctx ends.
func (u *Uploader) abortAbandoned(ctx context.Context) {
	tick := time.NewTicker(abandonedCheck)
	defer tick.Stop()
	for {
		select {
		case <-u.bulk: // the new source is in this turn
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

// keepsUpload reports whether an upload of the key is to be left alone: its file is on disk or may
// be, or it belongs to no recording of a directory that exists here.
func (u *Uploader) keepsUpload(key string) bool {
	ours := false
	for _, src := range u.all() {
		p, ok := strings.CutPrefix(key, src.dest.Prefix)
		if !ok || p == "" {
			continue
		}
		o, answered := disk.Ask(&src.disk.Calls, answerTime, func() origin { return src.originOf(p) })
		if !answered || o == originOnDisk {
			return true
		}
		ours = ours || o == originDeleted
	}
	return !ours
}

// An origin is what a source knows of the file of an unfinished upload.
type origin uint8

const (
	originForeign origin = iota // it is not this source's
	originOnDisk                // it is on disk, or may be on one that is not mounted
	originDeleted               // it was a recording in a directory that exists
)

var origins = [...]string{originForeign: "foreign", originOnDisk: "on disk", originDeleted: "deleted"}

func (o origin) String() string { return origins[o] }

// originOf finds the file of an upload whose key ends with p.
func (src *Source) originOf(p string) origin {
	switch {
	case src.exists(p) || src.bulk() && src.exists(ownPath(p)):
		return originOnDisk
	case !src.bulk():
		return originForeign
	case disk.IsEmpty(src.dir):
		return originOnDisk
	case src.layout.Kind(p).Role == media.ChunkFile && src.exists(path.Dir(p)):
		return originDeleted
	}
	return originForeign
}
