package publish

import (
	"iter"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
)

// Players change between the variants of a group by the discontinuity numbers of segments, so these
// are equal in all of them (RFC 8216, section 6.2.4). A run gets the greatest number that any of the
// variants needs. Which run is which in another variant is told by their times, since this process may
// not have seen it begin, and a variant may lack a run.

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

// groupNumber returns the discontinuity number that the run of s begins with at least. It is 0 if that
// run goes on, or if what the server writes is right: viewers have nothing, and none of the other
// variants was continued.
func (m *manifest) groupNumber(s *snapshot) (n uint64) {
	had := m.line.shown
	if !s.mayGoOn() || had != nil && had.watched && had.run == s.origin.run {
		return 0
	}
	continued := had != nil
	for o := range m.variants() {
		list := o.lastShown(o.line.shown)
		if list == nil {
			continue
		}
		continued = continued || discontinuity(list) > 0
		n = max(n, o.numberIn(list, s.times()))
	}
	if !continued {
		return 0
	}
	return n
}

// numberIn returns the discontinuity number that m, of which viewers have list, has when the run with
// a span begins: that of the first segment of which half is played later. A variant that lists none is
// about to count one more, and each run that waits before. One that has later runs only tells nothing.
func (m *manifest) numberIn(list *hls.Playlist, run span) uint64 {
	n := list.DiscontinuitySequence
	times := beginnings(list, m.line.shown.at)
	if len(times) > 0 && headBegan(list, times[0]).After(run.late) {
		return 0
	}
	for i := range list.Segments {
		n += uint64(list.Segments[i].Discontinuities)
		if times[i].Add(list.Segments[i].Duration / 2).After(run.began) {
			return n
		}
	}
	n++
	for i, w := range m.waiting {
		last := i == len(m.waiting)-1 || m.endsRun(i)
		if last && !w.times().late.After(run.began) && m.isAfterShown(w) {
			n++
		}
	}
	return n
}

// isAfterShown reports whether w, which waits, is of a later run than what viewers have.
func (m *manifest) isAfterShown(w *snapshot) bool {
	if have := m.line.shown; have.watched {
		return w.origin.run != have.run
	}
	run, err := hls.Parse(w.own.content)
	if err != nil {
		return false
	}
	_, join := m.continued(w, run, basis{shown: m.line.shown})
	return join == hls.Seam
}

// headBegan returns when the run began that list begins with, whose first segment begins at a time. It
// is zero if that is not known.
func headBegan(list *hls.Playlist, first time.Time) time.Time {
	head := &list.Segments[0]
	if began, ok := media.RunStart(head.URI); ok {
		return began
	}
	ofLast := list.Run <= list.Sequence // of the run that the list ends with
	if head.Discontinuities > 0 || ofLast && int64(list.Sequence)-list.Offset <= 1 {
		return first // writers count from 0 or 1
	}
	return time.Time{}
}

// A span is when the segments of a snapshot are played.
type span struct {
	began time.Time // the first one begins
	late  time.Time // half of the last one is over
}

// times returns the span of s, which is a playlist.
func (s *snapshot) times() span {
	if s.span == (span{}) {
		written := s.origin.modTime
		s.span = span{began: written, late: written}
		list, err := hls.Parse(s.own.content) // edit logs an error
		if err == nil && len(list.Segments) > 0 {
			times, last := beginnings(list, written), len(list.Segments)-1
			s.span = span{began: times[0], late: times[last].Add(list.Segments[last].Duration / 2)}
		}
	}
	return s.span
}

// beginnings returns when each segment of list begins: by its dates, or else by when the one behind it
// does. end: the last one was written.
func beginnings(list *hls.Playlist, end time.Time) []time.Time {
	times := list.Times()
	for i := len(times) - 1; i >= 0; i-- {
		if times[i].IsZero() {
			times[i] = end.Add(-list.Segments[i].Duration)
		}
		end = times[i]
	}
	return times
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
