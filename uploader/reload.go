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
	d.now.Store(&terms{cacheChunk, cacheManifest, to.ReconnectWindow})
	u.tell(context.Background(), func(s *publish.Schedule, now time.Time) { s.Change(&d.Destination, to, now) })
}

// terms are those of a Destination that any goroutine may read while they are changed.
type terms struct {
	chunk, manifest string        // Cache-Control that the operator wants; "": what the kind of the file asks for
	window          time.Duration // see publish.Destination.ReconnectWindow
}

// keepTerms notes the terms of d for any goroutine, unless they are noted. From then on, the
// goroutine of Run alone reads and writes those of d itself.
func (d *Destination) keepTerms() {
	if d.now.Load() == nil {
		d.now.CompareAndSwap(nil, &terms{d.CacheControlChunk, d.CacheControlManifest, d.ReconnectWindow})
	}
}

func (d *Destination) terms() terms {
	d.keepTerms()
	return *d.now.Load()
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
