package publish

import (
	"slices"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
)

// A groupRuns has the runs of the variants of a group, of which each may lack some.
type groupRuns struct {
	shown   []shownRun
	waiting []span // of which viewers have nothing yet
	goOn    bool   // some variant was continued, or is about to be
}

// A shownRun is a run that viewers have, or a part of it, with its discontinuity number.
type shownRun struct {
	span
	number uint64
}

// A span is when the segments of a run are played.
type span struct {
	began time.Time // the first one begins, or the run
	late  time.Time // half of the last one is over, about
}

// is reports whether r and s, another variant's, are one run.
func (r span) is(s span) bool { return r.late.After(s.began) && !r.began.After(s.late) }

// isBefore reports whether r is over when s begins.
func (r span) isBefore(s span) bool { return r.began.Before(s.began) && !r.late.After(s.began) }

// numberOf returns the discontinuity number of a run: that which it has in another variant. Else
// it is one more than the greatest of those before it, and each run that waits in between counts
// one more; but it is less than those behind it.
func (g *groupRuns) numberOf(run span) (n uint64) {
	var before, behind *shownRun
	is := false
	for i := range g.shown {
		switch r := &g.shown[i]; {
		case r.is(run):
			n, is = max(n, r.number), true
		case r.isBefore(run):
			if before == nil || r.number > before.number {
				before = r
			}
		case behind == nil || r.number < behind.number:
			behind = r
		}
	}
	if is {
		return n
	}
	if before != nil {
		n = before.number + 1
	}
	n += uint64(len(g.between(before, run, true)))
	if behind != nil {
		most := behind.number - min(behind.number, 1+uint64(len(g.between(behind, run, false))))
		if n = min(n, most); before != nil {
			n = max(n, before.number)
		} else {
			n = most
		}
	}
	return n
}

// between returns the runs that wait and are shown nowhere, between end and run; nil is no end.
func (g *groupRuns) between(end *shownRun, run span, before bool) (found []span) {
	for _, w := range g.waiting {
		in := w.isBefore(run) && (end == nil || end.isBefore(w))
		if !before {
			in = run.isBefore(w) && w.isBefore(end.span)
		}
		known := slices.ContainsFunc(g.shown, func(r shownRun) bool { return r.is(w) }) ||
			slices.ContainsFunc(found, func(r span) bool { return r.is(w) })
		if in && !known {
			found = append(found, w)
		}
	}
	return found
}

// waitBefore reports whether runs wait that are before run.
func (g *groupRuns) waitBefore(run span) bool {
	return slices.ContainsFunc(g.waiting, func(w span) bool { return w.isBefore(run) })
}

// runsOf returns the runs in list, whose last segment was written at end. exact: that is so, and
// not only the time when the list came into the bucket, which may be much later.
func runsOf(list *hls.Playlist, end time.Time, exact bool) (runs []shownRun) {
	times, n := beginnings(list, end), list.DiscontinuitySequence
	for i := range list.Segments {
		segment := &list.Segments[i]
		n += uint64(segment.Discontinuities)
		began, number, named := media.RunOf(segment.URI)
		if !named {
			began = times[i]
		}
		if i == 0 || segment.Discontinuities > 0 {
			runs = append(runs, shownRun{span: span{began: began}, number: n})
		}
		is := times[i]
		if named && !exact {
			is = began.Add(time.Duration(number-1) * segment.Duration)
		}
		runs[len(runs)-1].late = is.Add(segment.Duration / 2)
	}
	return runs
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
