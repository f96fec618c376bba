package publish

import (
	"iter"
	"time"

	"ems-sidecar/hls"
)

// Players change between the variants of a group by the discontinuity numbers of segments, so
// these are equal in all of them (RFC 8216, section 6.2.4). All runs of the group decide the number
// of one. Their times tell which run is which in another variant: this process may not have seen it
// begin, and a variant may lack a run.

// variants yields the other playlists that those name which name m's stream: the first mostVariants of
// each.
func (m *manifest) variants() iter.Seq[*manifest] {
	return func(yield func(*manifest) bool) {
		for _, set := range m.file.stream.links.namedBy {
			newest := set.newest()
			if newest == nil {
				continue
			}
			for _, f := range newest.refs[:min(len(newest.refs), mostVariants)] {
				if o := f.manifest; o != nil && o != m && !yield(o) {
					return
				}
			}
		}
	}
}

// groupNumber returns the discontinuity number that the run of s begins with at least. It is 0 if
// that run goes on, or if what the server writes is right: viewers have nothing, and none of the
// other variants was continued, or is about to be.
func (m *manifest) groupNumber(s *snapshot) uint64 {
	if !s.mayGoOn() || m.line.goesOn(s) {
		return 0
	}
	var g groupRuns
	m.addRuns(&g, s)
	for _, r := range g.shown {
		g.lacked = max(g.lacked, r.number+1)
	}
	for o := range m.variants() {
		o.addRuns(&g, s)
	}
	if run := s.times(); m.line.shown != nil || g.goOn || g.waitBefore(run) {
		return g.numberOf(run)
	}
	return 0
}

// addRuns adds the runs of m to g, except that of s.
func (m *manifest) addRuns(g *groupRuns, s *snapshot) {
	g.shown = append(g.shown, m.line.had...)
	if list := m.lastShown(m.line.shown); list != nil {
		runs := runsOf(list, m.line.shown.at)
		if last := len(runs) - 1; last >= 0 && s.manifest != m && runs[last].number >= g.lacked {
			runs[last].late = m.mayLast(runs[last].late)
		}
		g.shown = append(g.shown, runs...)
		g.goOn = g.goOn || discontinuity(list) > 0
	}
	for i, w := range m.waiting {
		isLast := i == len(m.waiting)-1 || m.endsRun(i)
		isOfS := s.manifest == m && w.origin.run == s.origin.run
		if isLast && !isOfS && m.isAfterShown(w) {
			run := w.times()
			if s.manifest != m && i == len(m.waiting)-1 {
				run.late = w.mayLast()
			}
			g.waiting = append(g.waiting, run)
			g.goOn = g.goOn || m.line.shown != nil
		}
	}
}

// mayLast returns until when the run is played that viewers have of m, as far as is known. late is when
// half of its last segment is over that viewers have.
func (m *manifest) mayLast(late time.Time) time.Time {
	newest := m.newest()
	if newest == nil || m.line.shown.ended || m.isAfterShown(newest) {
		return late
	}
	return newest.mayLast()
}

// mayLast returns until when the run of s, the newest one of its manifest, is played. If it goes on, that
// is nearly until its last segment is over: a variant that returns later than this one has this run, too.
func (s *snapshot) mayLast() time.Time {
	run := s.times()
	if s.parsed.Ended {
		return run.late
	}
	return run.open
}

// isAfterShown reports whether w, which waits, is of a later run than what viewers have.
func (m *manifest) isAfterShown(w *snapshot) bool {
	have := m.line.shown
	switch {
	case have == nil:
		return true
	case have.watched:
		return w.origin.run != have.run
	}
	run, err := hls.Parse(w.own.content)
	if err != nil {
		return false
	}
	_, join := m.continued(w, run, basis{shown: have})
	return join == hls.Seam
}

// times returns the span of s, which is a playlist.
func (s *snapshot) times() span {
	if s.span == (span{}) {
		written := s.origin.modTime
		s.span = span{began: written, late: written, open: written}
		list, err := hls.Parse(s.own.content) // edit logs an error
		if err == nil && len(list.Segments) > 0 {
			runs := runsOf(list, written)
			last := runs[len(runs)-1]
			s.span = span{began: runs[0].began, late: last.late, open: last.open}
		}
	}
	return s.span
}

// variantPatience is how long a variant may at least take to learn what the bucket has of it: as
// long as an attempt at a request. Others do not wait longer for it than that, or a target
// duration (R9).
const variantPatience = 2 * time.Second

// awaitsVariants returns until when m waits for what the bucket has of other variants: after a
// start, the number of a run depends on it. They ask for it at once, also if their chunks are held
// up.
func (m *manifest) awaitsVariants(s *snapshot, now time.Time) (until time.Time, awaits bool) {
	patience := max(variantPatience, s.parsed.TargetDuration)
	if m.line.shown == nil { // most often the whole group is new, and there is nothing to learn
		patience = variantPatience
	}
	until = m.line.recalledAt.Add(patience)
	goesOn := m.line.goesOn(s)
	if goesOn || !s.mayGoOn() || !now.Before(until) {
		return time.Time{}, false
	}
	for o := range m.variants() {
		if o.needsRecall() {
			awaits = true
			o.file.src.schedule.askSoon(o, now)
		}
	}
	return until, awaits
}

// askSoon has the bucket asked what it has of m, if nothing is sent before.
func (s *Schedule) askSoon(m *manifest, now time.Time) {
	if m.copy.checkAt.IsZero() {
		m.copy.checkAt = now
		s.agenda.reconsider(m.file.stream)
	}
}

// touchVariants has the streams considered again whose playlists may have waited for that of m.
func (s *Schedule) touchVariants(m *manifest) {
	for o := range m.variants() {
		s.agenda.reconsider(o.file.stream)
	}
}
