package publish

import "time"

// noteLife logs that a stream began, stopped, returned or ended with what was published of m. before
// was published before it, and may be nil.
func (s *Schedule) noteLife(m *manifest, before *snapshot, attrs []any) {
	snap := m.published
	e := &snap.edition
	goesOn := attrs
	if e.list != nil {
		goesOn = append(goesOn, "discontinuity", discontinuity(e.list))
	}
	switch {
	case e.ended:
		s.noteEnd(before, attrs)
	case snap.parsed.Segments == 0:
	case !m.line.endAt.IsZero():
		s.noteStop(m)
	case snap.goesOnFromRun(before):
		s.log.Info("stream returned, and its playlist goes on", goesOn...)
	case before == nil && e.seam && !snap.basis.shown.gone:
		s.log.Info("stream is live, and goes on from the playlist in the bucket", append(goesOn,
			"next", "players see a discontinuity")...)
	case before == nil || before.edition.ended:
		s.log.Info("stream is live", attrs...)
	}
}

// goesOnFromRun reports whether viewers get s as what goes on from before, of another run. before may
// be nil.
func (s *snapshot) goesOnFromRun(before *snapshot) bool {
	e := &s.edition
	return before != nil && !e.isOwn() && (before.origin.run != s.origin.run || e.mpd != nil && e.seam)
}

// noteEnd logs that a stream has ended with what was published. before was published before it, and
// may be nil.
func (s *Schedule) noteEnd(before *snapshot, attrs []any) {
	switch {
	case before == nil:
		s.log.Info("stream that has ended is published", attrs...)
	case !before.edition.ended:
		s.log.Info("stream ended", attrs...)
	}
}

// noteStop logs that the server has ended a stream that may return.
func (s *Schedule) noteStop(m *manifest) {
	if at := m.line.endAt; !at.IsZero() && !m.hasReturned(m.published) {
		s.log.Info("stream stopped", "stream", m.file.stream.shown(), "key", m.file.key(), "sequence", m.published.last(),
			"until", at.Round(time.Second), "next", "its end is published then, if it has not returned")
	}
}

// cannotEdit logs, once, why viewers get what the server writes, and nothing else.
func (m *manifest) cannotEdit(err error) {
	if m.told.fixed == err.Error() {
		return
	}
	m.told.fixed = err.Error()
	m.file.src.schedule.log.Warn("playlist cannot be continued", "stream", m.file.stream.shown(), "key", m.file.key(),
		"err", err, "next", "viewers get what the server writes, and have to reload if the stream starts again")
}
