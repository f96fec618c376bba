package publish

import "time"

// R3: never back. For one key, an older snapshot is never PUT after a newer one, and one PUT is in
// flight at most, or two of the same content (race.go). What a PUT without an answer may bring
// later is looked for (verify.go), and what other writers do (rival.go). manifest.isBusy keeps one
// request in flight; startsNewRun in newrun.go tells a restart of the stream from a playlist that
// went back.

// wentBack reports whether s is older than what is known already: a sequence that falls, with names
// in common whose files are as old as that, is an old playlist. In HDS and DASH, names that come
// back are nothing strange.
func (m *manifest) wentBack(s *snapshot) bool {
	known := m.newest()
	return known != nil && !s.parsed.Set && !known.parsed.Set && (s.isPlaylist() || s.namesAfresh()) &&
		s.parsed.Sequence < known.parsed.Sequence && s.shares(known) && !s.isNewerThan(known)
}

// isNewerThan reports whether a segment of s was written after known was, although known names it, or one
// of a higher number: it has other content then, and s is of another run.
func (s *snapshot) isNewerThan(known *snapshot) bool {
	names := make(map[*file]struct{}, len(known.refs))
	for _, f := range known.refs[known.others:] {
		names[f] = struct{}{}
	}
	counted := s.isCounted()
	for i := s.others; i < len(s.refs); i++ {
		_, named := names[s.refs[i]]
		passed := counted && s.parsed.Sequence+uint64(i-s.others) < known.parsed.Last
		if (named || passed) && s.isWrittenAfter(i, known) {
			return true
		}
	}
	return false
}

// start marks s as being PUT. What is older is dropped here and not at the end: an attempt that
// fails may have been applied all the same.
func (m *manifest) start(s *snapshot) {
	for m.waiting[0] != s {
		m.drop()
	}
	m.errand, m.rival.holds = errand{sending, s}, false
	m.copy.tried = m.copy.tried || m.published == nil || m.published.edition.sum != s.edition.sum
	if s.isPlaylist() && !m.line.goesOn(s) {
		m.line.remember()
	}
	if s.isPlaylist() || s.isPresentation() {
		m.line.show(s)
	}
}

// finish records that the bucket holds s, which is the oldest one waiting.
func (m *manifest) finish(s *snapshot, now time.Time) {
	if m.published != nil {
		m.published.retire()
	}
	m.published = s
	m.file.src.schedule.tellListed(m, s)
	for f := range s.named() {
		f.naming.now++
		f.naming.shown++
	}
	m.drop()
	s.unserved.files = nil
	if !m.copy.late.isOpen() && s.mayForget() {
		s.dropContent()
	}
	m.awaitEnd()
	m.line.settle()
	m.errand = errand{}
	m.copy.trust, m.copy.tried = certain, false
	m.file.bucket.published()
	m.noteListed(s)
	m.file.src.schedule.stepListed(s, now)
	m.file.src.schedule.noteAbsent(s, now)
	m.file.src.schedule.variantCame(m.file)
}
