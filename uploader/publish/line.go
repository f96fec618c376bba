package publish

import (
	"time"

	"ems-sidecar/dash"
	"ems-sidecar/hls"
	"ems-sidecar/internal/clock"
)

// R3, of live playlists: what players were promised of one URL is kept, whatever the server does.
// The media sequence and the discontinuity sequence never fall, a segment keeps its number for as
// long as it is listed, and an end is final. When an encoder drops, EMS ends the playlist, and when
// it returns EMS begins at media sequence 1: players that got either stop for good. So the end is
// held back for Destination.ReconnectWindow, and the next run goes on where the last one stopped.
//
// What goes on is what viewers have: what this process sent last, or, after its start, what the
// bucket has. Nothing else is kept.

// A line is a live playlist, or a live MPD, as its players see it, over all runs of its stream.
type line struct {
	shown     *shown     // nil: viewers have nothing
	former    *shown     // while a PUT is in flight: what they had before it
	had       []shownRun // that viewers had before shown, as far as this process knows
	run       int        // of the newest snapshot
	before    time.Time  // when the last playlist of the run before that was written; zero: there is none
	endAt     time.Time  // when the end of a stream that stopped is published; zero: it goes on, or has ended
	over      bool       // it was ended: by an operator, or as it is stale
	withdrawn bool       // its object is to be deleted, as it is stale

	foreign    bool      // the bucket has another writer's playlist, which is to be continued
	recalledAt time.Time // when the bucket told what it has
}

// A shown is the playlist that viewers have, or may have, as its PUT had no answer.
type shown struct {
	content []byte
	list    *hls.Playlist // of a playlist; nil: content was not parsed yet
	mpd     *dash.MPD     // of an MPD; nil: content was not parsed yet
	own     bool          // content is the server's own
	ended   bool
	watched bool      // the stream was watched since
	gone    bool      // its object was deleted
	run     int       // that it ends with, if it was watched
	at      time.Time // when the server wrote the last of it, or when it came into the bucket
}

// show applies that viewers may get s from now on.
func (l *line) show(s *snapshot) {
	e := &s.edition
	l.former = l.shown
	l.shown = &shown{content: e.content, list: e.list, mpd: e.mpd, own: e.isOwn(), ended: e.ended, watched: true,
		run: s.origin.run, at: s.origin.modTime}
}

// unshow applies that the bucket refused what is in flight.
func (l *line) unshow() { l.shown = l.former }

// settle applies that nothing is in flight any more.
func (l *line) settle() { l.former = nil }

// vanish applies that the object was deleted. Players had what it said, and none has it now.
func (l *line) vanish() {
	if l.shown != nil {
		had := *l.shown
		had.watched, had.gone = false, true
		l.shown = &had
	}
}

// lose applies that nothing is known any more of the run that viewers have.
func (l *line) lose() {
	if l.shown != nil && l.shown.watched {
		had := *l.shown
		had.watched = false
		l.shown = &had
	}
}

// needsRecall reports whether the bucket is asked for the content of m before m is sent.
func (m *manifest) needsRecall() bool {
	newest := m.newest()
	return newest != nil && newest.mayGoOn() && (m.copy.question == neverAsked || m.line.foreign)
}

// recall applies what the bucket has, for which it was asked.
func (m *manifest) recall(r Result, now time.Time) {
	m.line.foreign, m.line.recalledAt = false, now
	if src := m.file.src; r.Untold && !src.told.noContent {
		src.told.noContent = true
		src.schedule.log.Warn("bucket does not tell what players have",
			"stream", m.file.stream.shown(), "key", m.file.key(), "bucket", src.dest.Bucket,
			"next", "playlists begin as the server writes them; a stream that started again "+
				"while the daemon was away has to be reloaded",
			"hint", "do the credentials have s3:GetObject?")
	}
	if r.Content == nil {
		return
	}
	have := &shown{content: r.Content, gone: r.Found == nil}
	if r.Found != nil {
		have.at = r.Found.Stored
	}
	if newest := m.newest(); newest != nil && newest.isPresentation() {
		if ours := m.line.shown; ours == nil || !have.isOlderMPD(ours) {
			m.line.shown = have
		}
		return
	}
	list, err := have.parse()
	if ours := m.line.shown; ours != nil {
		known, broken := ours.parse()
		if err != nil || broken == nil && list.Last() <= known.Last() {
			return // it is older than what viewers had
		}
	}
	m.line.remember()
	m.line.shown = have
}

// goesOn reports whether s is of the run that viewers have, which was watched since.
func (l *line) goesOn(s *snapshot) bool {
	return l.shown != nil && l.shown.watched && l.shown.run == s.origin.run
}

// isRecalled reports whether viewers have what another process has published.
func (l *line) isRecalled() bool { return l.shown != nil && !l.shown.watched }

// parse returns the list of s, or an error if it is none that can be continued.
func (s *shown) parse() (*hls.Playlist, error) {
	if s.list == nil {
		list, err := hls.Parse(s.content)
		if err != nil {
			return nil, err
		}
		s.list, s.ended = list, list.Ended
	}
	return s.list, nil
}

// lastShown returns the list that viewers have, or nil.
func (m *manifest) lastShown(have *shown) *hls.Playlist {
	if have == nil {
		return nil
	}
	list, err := have.parse()
	if err != nil {
		return nil
	}
	return list
}

// addsToShown reports whether s, whose edition was made, lists more than viewers have.
func (m *manifest) addsToShown(s *snapshot) bool {
	if e := &s.edition; e.mpd != nil && m.line.shown != nil {
		mpd, err := m.line.shown.presentation()
		return err != nil || e.mpd.IsNewer(mpd)
	}
	list := m.lastShown(m.line.shown)
	return list == nil || s.last() > list.Last()
}

// isRecording reports whether s, which says so, is a recording. EMS makes a VOD of an appending list when
// the encoder drops. That is none for those who watch, and none if no list of the run was published before.
func (m *manifest) isRecording(s *snapshot) bool {
	if list := m.lastShown(m.line.shown); !s.parsed.Whole || list != nil && !list.Ended {
		return false
	}
	began, _ := s.runStart()
	return began.IsZero() // by its names, it is not EMS's
}

// endOf returns when the end of s, whose server has ended it, may be published.
func (m *manifest) endOf(s *snapshot) time.Time {
	window := m.file.src.dest.ReconnectWindow
	if window == 0 || m.isRecording(s) {
		return time.Time{}
	}
	stopped := clock.Moment(s.origin.modTime, s.origin.readAt)
	if stopped.After(s.origin.readAt) {
		stopped = s.origin.readAt // another machine's clock
	}
	// A stream that returns in time is seen when its first segment is whole.
	return stopped.Add(window + s.parsed.TargetDuration)
}

// waitsForReturn reports whether the end of s waits for the stream to return. At a stop of the daemon, an
// end of which the disk will not tell its next start goes out after half the window: by then, the host is
// not just being restarted.
func (m *manifest) waitsForReturn(s *snapshot, now time.Time) bool {
	at := m.endOf(s)
	if m.endsAtStop() {
		at = at.Add(-m.file.src.dest.ReconnectWindow / 2)
	}
	return now.Before(at)
}

// endsAtStop reports whether the daemon is being stopped, and the next start will not learn of m, as its
// file has left the disk.
func (m *manifest) endsAtStop() bool {
	return m.file.src.schedule.draining && m.file.disk.isNameGone()
}

// awaitEnd notes when the end is due of what is published, if the server has ended it and it has
// none yet.
func (m *manifest) awaitEnd() {
	m.line.endAt = time.Time{}
	if p := m.published; p != nil && p.parsed.Ended && !p.edition.ended {
		m.line.endAt = m.endOf(p)
	}
}

// dueEnd returns the snapshot whose end is published now, as the stream has not returned. If there is
// none yet, at is the earlier one of at and when there may be.
func (m *manifest) dueEnd(now, at time.Time) (*snapshot, time.Time) {
	if m.line.endAt.IsZero() || len(m.waiting) > 0 || m.published == nil {
		return nil, at
	}
	m.line.endAt = m.endOf(m.published) // its file may have been written once more
	switch {
	case m.waitsForReturn(m.published, now):
		return nil, earlier(at, m.line.endAt)
	case !m.file.src.schedule.draining && m.mustAskSince(m.line.endAt, now):
		return nil, at
	}
	m.line.endAt = time.Time{}
	if m.rival.holds { // the stream goes on there
		return nil, at
	}
	m.again()
	return m.publishable(now)
}

// continued returns run, which is what s has, as it goes on from what viewers have.
func (m *manifest) continued(s *snapshot, run *hls.Playlist, b basis) (*hls.Playlist, hls.Join) {
	have := b.shown
	switch {
	case m.file.src.dest.ReconnectWindow == 0:
		return run, hls.Fresh
	case have == nil:
		return hls.Continue(nil, run, hls.Situation{Discontinuities: b.number})
	}
	list, err := have.parse()
	if err != nil {
		m.cannotEdit(err)
		list = &hls.Playlist{Sequence: run.Sequence, Ended: true} // its numbers are not known
	}
	goesOn := have.watched && have.run == s.origin.run || !have.watched && isOneRun(list, run, have.at, s.origin.modTime)
	return hls.Continue(list, run, hls.Situation{
		Restarted:       have.watched && have.run != s.origin.run || !have.watched && m.rewroteShown(s, have, list),
		Returns:         m.returning(s),
		Watched:         goesOn,
		TooOld:          m.haveLeft(s, have, s.times().began),
		Discontinuities: b.number,
	})
}

// haveLeft reports whether those who had the playlist have left before the run of s began: they have
// had nothing new for longer than the window. What was held up reached them later than it was written;
// a PUT without an answer may reach them yet.
func (m *manifest) haveLeft(s *snapshot, have *shown, began time.Time) bool {
	left, window := have.at, m.file.src.dest.ReconnectWindow+s.parsed.TargetDuration
	switch {
	case have.gone:
		return true
	case have.watched && s.origin.readAt.Sub(m.publishedAt) <= window:
		return false // whatever the clock says by which the server names segments
	case have.watched && m.copy.tried:
		return false
	case have.watched && m.publishedAt.After(left):
		left = m.publishedAt
	}
	return began.Sub(left) > window
}
