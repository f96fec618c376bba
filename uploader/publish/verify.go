package publish

import "time"

// verified applies what the bucket has under a manifest's key.
func (s *Schedule) verified(r Result, now time.Time) {
	m, found, untold, c := r.file.manifest, r.Found, r.Untold, &r.file.manifest.copy
	if r.Recall {
		m.recall(r, now)
		s.touchVariants(m)
	}
	first := c.question == neverAsked
	m.rival.holds = false
	m.noteAnswer(found, now)
	if first && now.Sub(s.settings.Began) < doubtTime {
		c.late.begin(now) // a PUT of the run before may still be applied
	}
	switch {
	case m.published.isObject(found):
		c.trust = certain
		m.rival.forget(now)
	case s.adopted(m, found, now):
	case found != nil && s.foreign(m, found):
		s.metRival(m, found, now)
	case first, untold, m.published == nil:
	case c.tried: // what the bucket has may be newer than what was published (R3); what was tried still waits
	case found == nil:
		s.restore(m)
	default:
		s.report(appliedLate, m.file.stream, "key", m.file.key(), "next", "the newest is published again")
		s.figures.failures++
		s.putAgain(m)
	}
	if c.late.isOpen() {
		s.askedInDoubt(m, untold, now)
	}
	s.guardStale(m.file.stream, now) // it may have been asked for that
}

// noteAnswer notes that the bucket has told what it has of m.
func (m *manifest) noteAnswer(found *ObjectInfo, now time.Time) {
	c := &m.copy
	c.hadOne = c.hadOne || c.question == neverAsked && found != nil
	c.question, c.checkAt, c.toldAt = answered, time.Time{}, now
	if m.newest() == nil {
		c.question = askAgain // there is nothing to compare the answer with
	}
	if !m.published.isObject(found) {
		c.etag = "" // of something that is there no more
	}
}

// askedInDoubt applies that the bucket was asked while a PUT of m without an answer may be applied.
func (s *Schedule) askedInDoubt(m *manifest, untold bool, now time.Time) {
	c := &m.copy
	c.checkAt = c.late.asked(untold, now)
	if c.late.isOpen() || m.published == nil {
		return
	}
	if untold && !c.tried && !m.file.gone.hasLeft() {
		s.putAgain(m) // such a PUT may have replaced it
	}
	if m.published.mayForget() {
		m.published.dropContent()
	}
}

// adopted counts a snapshot that waits as published if the bucket has it: from an earlier run, or a
// PUT without an answer.
func (s *Schedule) adopted(m *manifest, found *ObjectInfo, now time.Time) bool {
	for i := len(m.waiting) - 1; i >= 0 && found != nil; i-- {
		w := m.waiting[i]
		if m.line.isRecalled() || m.line.shown != nil && w.isPlaylist() && !w.namesAfresh() {
			m.compose(w, now) // where names return, two runs may have the same text
		}
		if !w.edition.isOwn() && !w.isObject(found) {
			m.compose(w, now) // what it names may have been found since
		}
		if w.isObject(found) {
			m.start(w)
			m.finish(w, now)
			m.publishedAt = now
			return true
		}
	}
	return false
}

// again has what was published last PUT once more, if its edition is another one now or the bucket may
// have lost it, unless something newer goes first.
func (m *manifest) again() {
	s := *m.published
	s.unserved.files = nil
	s.lookAgain()
	for f := range s.named() {
		f.naming.now++
	}
	m.waiting = append([]*snapshot{&s}, m.waiting...)
	if m.pursued == nil {
		m.pursued = &s
	}
}

// checkInTurn has the bucket asked whether it still has what was published lately: before the next
// PUT, when another writer's version is there if there is one, or within a minute.
func (s *Schedule) checkInTurn(m *manifest, now time.Time) {
	if m.published == nil || now.Sub(m.publishedAt) >= manifestMemory {
		return
	}
	if m.copy.question != answered && m.copy.checkAt.IsZero() {
		m.copy.checkAt = now.Add(s.settings.Jitter(time.Minute)) // nothing was PUT for a minute
		if m.presence.allHad.Before(m.publishedAt) {
			m.checkAll(m.copy.checkAt)
		}
	}
	if m.copy.question == answered {
		m.copy.question = askAgain
	}
}
