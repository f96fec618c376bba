package publish

import (
	"iter"
	"time"

	"ems-sidecar/hls"
)

// Players change between the variants of a group by the discontinuity numbers of segments, so these
// are equal in all of them (RFC 8216, section 6.2.4). A run gets the greatest number that any of the
// variants needs. Which run another variant ends with is told by its dates, since this process may
// not have seen it begin.

// variants yields the other playlists that those name which name m's stream.
func (m *manifest) variants() iter.Seq[*manifest] {
	return func(yield func(*manifest) bool) {
		for _, set := range m.file.stream.namedBy {
			newest := set.newest()
			if newest == nil {
				continue
			}
			for _, f := range newest.refs {
				if o := f.manifest; o != nil && o != m && !yield(o) {
					return
				}
			}
		}
	}
}

// variantsKnown returns of how many other variants it is known what viewers have.
func (m *manifest) variantsKnown() (n int) {
	for o := range m.variants() {
		if o.line.shown != nil {
			n++
		}
	}
	return n
}

// groupDiscontinuities returns the discontinuity number that a run of m has at least, which began at
// that time. A variant that has the run tells it; one that has not is about to count one more.
func (m *manifest) groupDiscontinuities(began time.Time) (n uint64) {
	for o := range m.variants() {
		if o.line.shown == nil {
			continue
		}
		list, err := o.line.shown.parse()
		if err != nil {
			continue
		}
		d := discontinuity(list)
		if !o.line.shown.until().After(began) {
			d++
		}
		n = max(n, d)
	}
	return n
}

// firstDiscontinuity returns the discontinuity number with which s begins, of a playlist of which
// viewers have nothing. Where no other variant was continued, what the server writes is right.
func (m *manifest) firstDiscontinuity(s *snapshot) uint64 {
	continued := false
	for o := range m.variants() {
		if list := o.lastShown(o.line.shown); list != nil && discontinuity(list) > 0 {
			continued = true
			break
		}
	}
	if !continued || !s.mayGoOn() {
		return 0
	}
	run, err := hls.Parse(s.own.content)
	if err != nil {
		return 0 // edit logs it
	}
	return m.groupDiscontinuities(s.beganAt(run))
}

// until returns when the last segment of s ended: by its dates, or else by when it was written.
func (s *shown) until() time.Time {
	if s.list == nil || len(s.list.Segments) == 0 {
		return s.at
	}
	times := s.list.Times()
	last := len(times) - 1
	if times[last].IsZero() {
		return s.at
	}
	return times[last].Add(s.list.Segments[last].Duration)
}

// beganAt returns when the first listed segment of run began: by its dates, or else by when s was
// written.
func (s *snapshot) beganAt(run *hls.Playlist) time.Time {
	if len(run.Segments) > 0 {
		if first := run.Times()[0]; !first.IsZero() {
			return first
		}
	}
	began := s.origin.modTime
	for i := range run.Segments {
		began = began.Add(-run.Segments[i].Duration)
	}
	return began
}

// discontinuity returns the discontinuity number of the last segment.
func discontinuity(list *hls.Playlist) uint64 {
	n := list.DiscontinuitySequence
	for i := range list.Segments {
		n += uint64(list.Segments[i].Discontinuities)
	}
	return n
}

// variantPatience is how long a variant may at least take to learn what the bucket has of it: as long
// as an attempt at a request. Others do not wait longer for it than that, or a target duration (R9).
const variantPatience = 2 * time.Second

// awaitsVariants returns until when m waits for what the bucket has of other variants: after a start,
// the number of a run depends on it.
func (m *manifest) awaitsVariants(s *snapshot, now time.Time) (until time.Time, awaits bool) {
	patience := max(variantPatience, s.parsed.TargetDuration)
	if m.line.shown == nil { // most often the whole group is new, and there is nothing to learn
		patience = variantPatience
	}
	until = m.line.recalledAt.Add(patience)
	goesOn := m.line.shown != nil && !m.line.isRecalled()
	if goesOn || !s.mayGoOn() || !now.Before(until) {
		return time.Time{}, false
	}
	for o := range m.variants() {
		if o.needsRecall() {
			return until, true
		}
	}
	return time.Time{}, false
}

// touchVariants has the streams considered again whose playlists may have waited for that of m.
func (s *Schedule) touchVariants(m *manifest) {
	for o := range m.variants() {
		s.agenda.reconsider(o.file.stream)
	}
}
