package media

import "strconv"

// fragmentsEnd follows the highest number of a fragment: numbers have 32 bits.
const fragmentsEnd = 1 << 32

// numbers are those of fragments: from first on, without end.
type numbers struct{ first, end uint64 }

// Manifest returns what the bootstrap names, if media has the names of its F4M's media. The
// references are relative to what those names are relative to.
func (boot Bootstrap) Manifest(media []string) Manifest {
	m := Manifest{Ended: boot.ended()}
	for _, r := range boot.fragments {
		m.TargetDuration = max(m.TargetDuration, ticks(r.duration, boot.fragmentTimescale))
	}
	if len(boot.named) == 0 {
		return m
	}
	m.Sequence = boot.named[0].first
	m.Last = boot.named[len(boot.named)-1].end - 1
	count := uint64(0)
	for _, n := range boot.named {
		count += n.end - n.first
	}
	m.Segments = atMost(product(count, uint64(len(media))))
	m.references = func(yield func(Reference) bool) {
		for _, name := range media {
			if !boot.each(name, yield) {
				return
			}
		}
	}
	return m
}

// each yields the fragments of one media, and reports whether yield wants more.
func (boot Bootstrap) each(media string, yield func(Reference) bool) bool {
	segments := boot.segments
	for _, r := range boot.named {
		for n := r.first; n < r.end; n++ {
			for len(segments) > 1 && segments[1].start <= n {
				segments = segments[1:]
			}
			segment := segments[0].first + (n-segments[0].start)/segments[0].perSegment
			b := append(make([]byte, 0, 128), media...)
			b = strconv.AppendUint(append(b, "Seg"...), segment, 10)
			b = strconv.AppendUint(append(b, "-Frag"...), n, 10)
			if !yield(Reference{URI: string(b), Segment: true}) {
				return false
			}
		}
	}
	return true
}

// ended reports whether no more fragments will follow.
func (boot Bootstrap) ended() bool {
	if n := len(boot.fragments); n > 0 {
		r := boot.fragments[n-1]
		return !boot.live || r.duration == 0 && r.discontinuity == endOfPresentation
	}
	return !boot.live
}

// number finds out which fragments the bootstrap names.
//
// The first is that of afrt's first run. A run ends where the next one begins, or at a
// discontinuity that skips numbers. Only the end of the last run is in no field: see
// [Bootstrap.end].
func (boot *Bootstrap) number() {
	var first, current fragmentRun // none as long as the duration is 0
	end := uint64(0)               // of current, if a discontinuity follows
	jump := false                  // one follows, and only the time tells where
	for _, r := range boot.fragments {
		switch {
		case r.duration > 0:
			if jump && r.timestamp > current.timestamp {
				n := plus(r.timestamp-current.timestamp, current.duration/2) / current.duration
				end = min(end, plus(current.first, max(n, 1)))
			}
			if current.duration > 0 {
				boot.name(current.first, min(end, r.first))
			} else {
				first = r
			}
			current, end, jump = r, fragmentsEnd, false
		case r.discontinuity != numberDiscontinuity && r.discontinuity != bothDiscontinuities:
		case r.first > current.first:
			end = min(end, r.first)
		default:
			// Without a number of its own, it is at the end of the run's time, unless time has a
			// gap, too.
			jump = r.discontinuity == numberDiscontinuity
		}
	}
	if current.duration > 0 {
		boot.name(current.first, min(end, boot.end(first, current)))
	}
}

func (boot *Bootstrap) name(first, end uint64) {
	if first < end {
		boot.named = append(boot.named, numbers{first, end})
	}
}

// end returns where the last run of fragments ends. It follows from two other fields:
//
//   - by time: CurrentMediaTime less the run's timestamp, divided by the duration of its fragments. Of
//     a live stream only whole ones count. The last one of an ended stream may be shorter.
//   - by count: the sum of asrt's fragments per segment, where the last run of segments counts as one.
//
// CurrentMediaTime is the begin or the end of the latest fragment. It may be 0 if the stream is not
// live. Durations are rounded. So the count is right where the two differ by one, and where the
// time of an ended stream says less. The time is right in three cases: where the count is unknown;
// where the time says more, because a run of segments continues (section 2.11.2.1); and where it
// says less of a live stream, whose newest segment is not full yet. A listed run has at least one
// fragment. EMS writes a last run of one fragment and its end, so that both agree.
//
// EMS counts from the first listed fragment on: for the fragments 12 to 16, all in segment 1, it
// writes the length of the window, 5. Adobe's player counts from 1 on, and so do servers that
// shorten afrt but not asrt. What agrees better with the time is used.
func (boot *Bootstrap) end(first, last fragmentRun) uint64 {
	byTime := last.first + 1
	if now := scaled(boot.now, boot.fragmentTimescale, boot.timescale); now > last.timestamp {
		n := (now - last.timestamp) / last.duration
		if boot.ended() {
			n = (now-last.timestamp-1)/last.duration + 1
		}
		byTime = min(plus(last.first, max(n, 1)), fragmentsEnd)
	}

	count, known := uint64(0), true
	for i := range boot.segments {
		run := &boot.segments[i]
		run.start = count
		segments := uint64(1)
		if i+1 < len(boot.segments) {
			segments = boot.segments[i+1].first - run.first
		}
		count = plus(count, product(segments, run.perSegment))
		known = known && run.perSegment != unknownCount
	}
	base := min(first.first, 1)
	if known && distance(plus(first.first, count), byTime) < distance(plus(base, count), byTime) {
		base = first.first
	}
	for i := range boot.segments {
		boot.segments[i].start = plus(boot.segments[i].start, base)
	}

	byCount := plus(base, count)
	if !known || byTime > plus(byCount, 1) || byCount > byTime+1 && !boot.ended() {
		return byTime
	}
	return min(max(byCount, last.first+1), fragmentsEnd)
}

func distance(a, b uint64) uint64 { return max(a, b) - min(a, b) }
