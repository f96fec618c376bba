package publish

import (
	"time"

	"ems-sidecar/internal/clock"
)

// A playlist whose server died stays in the bucket, and its URL answers 200 for good: neither a CDN
// nor a player turns to another origin. Where the config says so, such a playlist is ended, or its
// object is removed. It returns with the next chunk, and its numbers go on.

// A StaleAction is what happens to a playlist that is stale.
type StaleAction uint8

const (
	// EndStale publishes the playlist with its end.
	EndStale StaleAction = iota
	// RemoveStale deletes the object.
	RemoveStale
)

// guardStale ends or withdraws the playlists of st whose newest segment is too old.
func (s *Schedule) guardStale(st *stream, now time.Time) {
	d := st.src.dest
	if d.StaleAfter == 0 || !s.tellsStale(st, now) {
		return
	}
	for _, m := range st.manifests {
		if !m.isStale(now) {
			continue
		}
		if m.mustAskSince(m.published.writtenAt().Add(d.StaleAfter), now) {
			s.touch(st)
			continue
		}
		attrs := []any{"stream", st.shown(), "key", m.file.key(), "age", now.Sub(m.published.writtenAt()).Round(time.Second)}
		switch d.WhenStale {
		case RemoveStale:
			m.line.withdrawn = true
			s.log.Warn("playlist is stale, and is removed", append(attrs, "next", "it returns with the next chunk")...)
		default:
			m.line.over = true
			m.again()
			s.log.Warn("playlist is stale, and is ended", append(attrs, "next", "it goes on with the next chunk")...)
		}
		s.touch(st)
	}
}

// tellsStale reports whether st can be judged: what viewers have is all that the disk has, as far as
// the disk and the bucket can be seen. That a stream lags is no fault of its server.
func (s *Schedule) tellsStale(st *stream, now time.Time) bool {
	v := &st.vitals
	return !st.src.isStuck() && st.unseen().Why == "" && !st.src.retired && s.lane(st.src.dest).state == open &&
		st.queue() == 0 && !st.isToBeListed(now) && v.refused == ""
}

// listTime is how long after a chunk a list may come that names it.
const listTime = time.Second

// isToBeListed reports whether the newest chunk of st may be listed soon. One that stays unlisted is what
// a server had begun when it was killed: the kernel closes it.
func (st *stream) isToBeListed(now time.Time) bool {
	v := &st.vitals
	return v.chunk.After(v.edge) && now.Sub(v.chunk) < listTime+st.src.obstacles.delay
}

// isStale reports whether m is a live playlist that was not written for too long.
func (m *manifest) isStale(now time.Time) bool {
	return m.isGuarded() && !m.line.over && !m.line.withdrawn && !m.isBusy() && len(m.waiting) == 0 && !m.rival.holds &&
		now.Sub(m.published.writtenAt()) > m.file.src.dest.StaleAfter
}

// isGuarded reports whether m is a live playlist that becomes stale if it is not written any more.
func (m *manifest) isGuarded() bool {
	p, src := m.published, m.file.src
	return src.dest.StaleAfter > 0 && !src.retired && p != nil && p.isPlaylist() && p.parsed.Segments > 0 &&
		!p.parsed.Ended && !p.edition.ended
}

// writtenAt returns when the server wrote s. Of what was read when it was closed, this host's clock
// tells; of what was there at the start, the file's time.
func (s *snapshot) writtenAt() time.Time {
	if s.origin.scanned {
		return clock.Moment(s.origin.modTime, s.origin.readAt)
	}
	return s.origin.readAt
}

// isForgone reports whether s, which the bucket does not have, is not published: it would be removed
// at once.
func (m *manifest) isForgone(s *snapshot, now time.Time) bool {
	d := m.file.src.dest
	return d.StaleAfter > 0 && d.WhenStale == RemoveStale && m.published == nil && !m.copy.hadOne && s.isPlaylist() &&
		s.parsed.Segments > 0 && !s.parsed.Ended && now.Sub(s.writtenAt()) > d.StaleAfter
}

// forgo drops s, which waits.
func (m *manifest) forgo(s *snapshot) {
	for len(m.waiting) > 0 {
		last := m.waiting[0] == s
		m.drop()
		if last {
			return
		}
	}
}

// withdraw starts the deletion of the object of m.
func (m *manifest) withdraw() {
	m.errand, m.published, m.copy.etag = errand{deleting, m.published}, nil, ""
}

// withdrawn applies that the object of m was deleted. Its numbers go on from what viewers had.
func (s *Schedule) withdrawn(m *manifest, now time.Time) {
	s.objectDeleted(m.file, now)
	m.line.withdrawn = false
	m.copy.hadOne = false
	m.file.bucket.missing()
	m.file.src.family.generation++
	s.step(m.file, StageDeleted)
}

// End ends the live playlists or MPDs of a stream, as its server does not. It returns how many that are. The
// next chunk has them go on.
func (s *Schedule) End(src *Source, name string, now time.Time) (n int) {
	st := s.named(src, name)
	if st == nil {
		return 0
	}
	for _, m := range st.manifests {
		if p := m.published; p == nil || !p.isPlaylist() && !p.isPresentation() || p.edition.ended {
			continue
		}
		n++
		m.line.over, m.line.endAt = true, time.Time{}
		if len(m.waiting) == 0 {
			m.again()
		}
		s.log.Info("stream is ended by an operator", "stream", name, "key", m.file.key())
	}
	s.touch(st)
	return n
}
