package publish

import (
	"time"

	"ems-sidecar/uploader/health"
)

// SetWorkers changes how many jobs may be in flight at once. Those beyond that end first.
func (s *Schedule) SetWorkers(workers, bulk int) {
	s.pools.workers = [2]int{livePool: workers, bulkPool: bulk}
	s.touchAll(nil)
}

// Change applies other terms to what is published to d from now on. Bucket, Prefix and Delete stay:
// what the bucket is believed to have depends on them. A bucket that accepts nothing is probed at
// once, because the change may have mended that.
func (s *Schedule) Change(d *Destination, to Destination, now time.Time) {
	d.SkipBacklog, d.ManifestInterval, d.DeleteDelay = to.SkipBacklog, to.ManifestInterval, to.DeleteDelay
	d.ReconnectWindow, d.StaleAfter, d.WhenStale = to.ReconnectWindow, to.StaleAfter, to.WhenStale
	d.DeleteLocal, d.DeleteLocalAfter = to.DeleteLocal, to.DeleteLocalAfter
	if l := s.lane(d); l.state != open {
		l.probe.at = now
	}
	s.reopen(d, false, now) // also what waits after a refusal of its own
}

// Retire says that nothing more is reported of src. What was reported is still published. How its
// streams fare is not judged any more.
func (s *Schedule) Retire(src *Source, now time.Time) {
	for _, st := range s.ring {
		if st.src == src && st.isWatched() {
			s.effects.Changes = append(s.effects.Changes, Change{At: now, Source: src, Stream: st.shown(),
				From: st.vitals.state, Gone: true})
			st.vitals.state, st.vitals.since = health.Starting, now
			st.vitals.shared, st.vitals.outage = false, false
		}
	}
	src.retired = true
}

// Revive says that src is reported of again.
func (s *Schedule) Revive(src *Source) { src.retired = false }
