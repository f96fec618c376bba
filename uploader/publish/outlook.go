package publish

import "time"

// liveFor is how long a stream counts as live after its manifest was last written.
const liveFor = time.Minute

// An Outlook is what is still to be expected of the live streams.
type Outlook struct {
	Unended int           // of their manifests, those whose end was not read yet, or is not in the bucket
	Ended   time.Time     // when the end of one was last read
	Target  time.Duration // the longest target duration of Unended
	Arrived int64         // chunks and manifests that were uploaded in this run
}

// Outlook returns the current outlook.
func (s *Schedule) Outlook(now time.Time) Outlook {
	o := Outlook{Arrived: s.figures.chunks + s.figures.manifests}
	for _, st := range s.ring {
		for _, m := range st.manifests {
			newest := m.newest()
			// What names no segments has no end of its own: a set, and the F4M, whose bootstrap has
			// it.
			if newest == nil || newest.parsed.Segments == 0 || now.Sub(newest.origin.readAt) > liveFor {
				continue
			}
			if newest.parsed.Ended && newest.origin.readAt.After(o.Ended) {
				o.Ended = newest.origin.readAt
			}
			if !newest.parsed.Ended || len(m.waiting) > 0 {
				o.Unended++
				o.Target = max(o.Target, newest.parsed.TargetDuration)
			}
		}
	}
	return o
}
