package uploader

import (
	"context"
	"errors"
	"os"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// manifestClosed reads the manifest p, which was closed, and reports it to the schedule.
func (src *Source) manifestClosed(ctx context.Context, p string) {
	if at := src.reported.pace.next(p); time.Now().Before(at) {
		src.uploader.tell(ctx, func(s *publish.Schedule, _ time.Time) { s.Reread(src.plan, p, at) })
		return
	}
	defer src.reported.pace.took(p, time.Now())
	at := src.placeOf(p)
	r, cut, err := src.readManifest(ctx, p)
	if err != nil {
		src.notRead(ctx, p, err)
		return
	}
	src.fit(p)
	src.end(ctx, src.learnRuns(p, &r))
	if src.layout.Format == media.DASH { // playlists have them already
		for i, ref := range r.References {
			r.References[i] = src.published(ref)
		}
	}
	src.reported.named.learn(src.layout, p, r.References, src.isCutByOther())
	if !src.prepare(ctx, p, &r) {
		return
	}
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.ManifestRead(src.plan, p, r, at, now) })
	src.publishPieces(ctx, cut)
}

// notRead applies that the manifest p, which was closed, cannot be published as it is, or not now.
func (src *Source) notRead(ctx context.Context, p string, err error) {
	var unended *unendedError
	retry, notNow := isNotNow(err)
	switch {
	case notNow:
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Reread(src.plan, p, now.Add(retry)) })
	case errors.As(err, &unended):
		src.readUnended(ctx, p, unended)
	case errors.Is(err, errRangesToCome):
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Reread(src.plan, p, now.Add(rangesRetry)) })
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, errChanged) || errors.Is(err, errNotNamed):
		// its next closing is reported, or that of an F4M that names it
	case errors.As(err, new(*notManifestError)):
		src.unfit(ctx, p, err)
	default:
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.ManifestUnreadable(src.plan, p, err, now) })
	}
}
