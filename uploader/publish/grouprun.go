package publish

import (
	"slices"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
)

// A groupRuns is the runs of all variants of a group. Each variant may lack some.
type groupRuns struct {
	shown   []shownRun
	waiting []span // of which viewers have nothing yet
	goOn    bool   // some variant was continued, or is about to be
	lacked  uint64 // from this number on, viewers have no run of the variant that asks
}

// A shownRun is a run that viewers have, or a part of it, with its discontinuity number.
type shownRun struct {
	span
	number uint64
}

// A span is when the segments of a run are played.
type span struct {
	began time.Time // when the run begins, or the first segment that is listed
	late  time.Time // when half of the last segment is over
	open  time.Time // until when it is played, if it goes on
}

// is reports whether r and s, another variant's, are one run.
func (r span) is(s span) bool { return r.late.After(s.began) && !r.began.After(s.late) }

// isBefore reports whether r is over when s begins.
func (r span) isBefore(s span) bool { return r.began.Before(s.began) && !r.late.After(s.began) }

// numberOf returns the discontinuity number of a run: the one that it has in another variant. Else it
// is one more than the greatest of the runs before it, and each run that waits in between counts one
// more. It is less than those of the runs behind it.
func (g *groupRuns) numberOf(run span) (n uint64) {
	var before, behind *shownRun
	known := false
	for i := range g.shown {
		switch r := &g.shown[i]; {
		case r.is(run):
			n, known = max(n, r.number), true
		case r.isBefore(run):
			if before == nil || r.number > before.number {
				before = r
			}
		case behind == nil || r.number < behind.number:
			behind = r
		}
	}
	if known {
		return n
	}
	var since span // long ago
	if before != nil {
		since, n = before.span, before.number+1
	}
	n += g.waitBetween(since, run)
	if behind == nil {
		return n
	}
	most := behind.number - min(behind.number, 1+g.waitBetween(run, behind.span))
	if before == nil {
		return most // how many runs have left the lists is not known
	}
	return max(min(n, most), before.number)
}

// waitBetween returns how many runs wait that are shown nowhere, and that are played between two others.
func (g *groupRuns) waitBetween(since, until span) uint64 {
	var found []span
	for _, w := range g.waiting {
		isW := func(r span) bool { return r.is(w) }
		isShown := slices.ContainsFunc(g.shown, func(r shownRun) bool { return isW(r.span) })
		if since.isBefore(w) && w.isBefore(until) && !isShown && !slices.ContainsFunc(found, isW) {
			found = append(found, w)
		}
	}
	return uint64(len(found))
}

// waitBefore reports whether runs wait that are before run.
func (g *groupRuns) waitBefore(run span) bool {
	return slices.ContainsFunc(g.waiting, func(w span) bool { return w.isBefore(run) })
}

// remember keeps the runs in what viewers have, before they get a list of another run. All runs before
// the newest one were in that list, so that none is missed.
func (l *line) remember() {
	if l.shown == nil {
		return
	}
	list, err := l.shown.parse()
	if err != nil || len(list.Segments) == 0 {
		return
	}
	runs := runsOf(list, l.shown.at)
	l.had = slices.DeleteFunc(l.had, func(r shownRun) bool { return r.number >= runs[0].number })
	l.had = append(l.had, runs...)
	l.had = slices.Clone(l.had[max(0, len(l.had)-maxFormerRuns):])
}

// runsOf returns the runs in list. Its last segment was written at end, or before: what the bucket has
// may have come there much later.
func runsOf(list *hls.Playlist, end time.Time) (runs []shownRun) {
	times, n := beginnings(list, end), list.DiscontinuitySequence
	for i := range list.Segments {
		segment := &list.Segments[i]
		n += uint64(segment.Discontinuities)
		began, at, named := beganOf(segment.URI, times[i], list.TargetDuration)
		if i == 0 || segment.Discontinuities > 0 {
			runs = append(runs, shownRun{span: span{began: began}, number: n})
		}
		run := &runs[len(runs)-1]
		run.late = at.Add(segment.Duration / 2)
		if run.open = run.late; named {
			run.open = at.Add(segment.Duration * 7 / 8) // clocks differ, and another run may begin at once
		}
	}
	return runs
}

// beganOf returns when the run of a segment began, and when the segment did, which was at latest or
// before. If it is named after when the run began, the n-th segment did not begin later than n-1
// segments take that last most.
func beganOf(uri string, latest time.Time, most time.Duration) (run, segment time.Time, named bool) {
	began, n, named := media.RunOf(uri)
	if !named {
		return latest, latest, false
	}
	since := latest.Sub(began)
	if most > 0 && int64(n-1) < int64(since/most) {
		since = time.Duration(n-1) * most
	}
	return began, began.Add(max(since, 0)), true
}

// beginnings returns when each segment of list begins: by its dates, or else by when the one
// behind it does. end: the last one was written.
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
