package uploader

import (
	"context"
	"time"

	"ems-sidecar/uploader/publish"
)

// SetLimits changes how many requests are in flight at a time, and how slow one may be. What is in
// flight goes on as it began.
func (u *Uploader) SetLimits(workers, bulk int, minThroughput int64) {
	u.minThroughput.Store(minThroughput)
	u.tell(context.Background(), func(s *publish.Schedule, _ time.Time) { s.SetWorkers(workers, bulk) })
}

// Change applies other terms and headers to what is published to d from now on. See
// publish.Schedule.Change for what stays. The caller changes the Store.
func (u *Uploader) Change(d *Destination, to publish.Destination, cacheChunk, cacheManifest string) {
	d.headers.Store(&cacheHeaders{cacheChunk, cacheManifest})
	u.tell(context.Background(), func(s *publish.Schedule, now time.Time) { s.Change(&d.Destination, to, now) })
}

// cacheHeaders are values of Cache-Control that replace those of the fields of a Destination.
type cacheHeaders struct{ chunk, manifest string }

// cacheHeaders returns what the operator wants; empty: what the kind of the file asks for.
func (d *Destination) cacheHeaders() cacheHeaders {
	if h := d.headers.Load(); h != nil {
		return *h
	}
	return cacheHeaders{d.CacheControlChunk, d.CacheControlManifest}
}

// Retire says that nothing more is reported of src until Revive. What was reported is still
// published.
func (src *Source) Retire() {
	src.uploader.tell(context.Background(), func(s *publish.Schedule, now time.Time) { s.Retire(src.plan, now) })
}

// Revive says that src is reported of again.
func (src *Source) Revive() {
	src.uploader.tell(context.Background(), func(s *publish.Schedule, _ time.Time) { s.Revive(src.plan) })
}
