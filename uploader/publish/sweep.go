package publish

import (
	"slices"
	"time"
)

const (
	// A manifest that EMS deletes comes back within milliseconds when the stream is appending; one
	// that stays away this long is forgotten.
	manifestMemory = 10 * time.Minute
	// A manifest that has waited this long for its references is worth a warning.
	waitingTooLong = 30 * time.Second
)

// Sweep forgets what is gone and warns of manifests that do not move. It is called once a minute.
func (s *Schedule) Sweep(now time.Time) {
	s.releaseUnnamed(now)
	waiting := 0
	for _, st := range s.ring {
		s.agenda.reconsider(st)
		st.forgetListed(now)
		s.forgetQuestions(st)
		st.forgetManifests(now)
		s.noteSpoolRoom(st, now)
		for _, m := range st.manifests {
			s.dropHopeless(m)
			s.checkInTurn(m, now)
			if !m.waitsTooLong(now) || s.lane(st.src.dest).closedTo(st) {
				continue
			}
			if waiting++; waiting <= maxWaitingLogged {
				s.warnWaiting(m, now)
			}
		}
	}
	if waiting > maxWaitingLogged {
		s.log.Warn("more manifests wait than are logged", "count", waiting-maxWaitingLogged)
	}
	s.ring = slices.DeleteFunc(s.ring, func(st *stream) bool {
		gone := st.files == 0 && st.inFlight == 0 && len(st.sharing.parts) == 0 &&
			st.standing.evictedAt.IsZero() // else spoolFull never ends
		if gone {
			delete(s.streams, st.streamKey)
			if st.leaveHome(); st.sharing.home != nil && st.sharing.home.sharing.state == alone {
				st.sharing.home.vitals = vitals{} // what it was told of chunks was about its streams
			}
			s.effects.Changes = append(s.effects.Changes, Change{At: now, Source: st.src, Stream: st.shown(),
				From: st.vitals.state, Gone: true})
			s.agenda.forget(st)
			st.links.namedBy, st.links.names = nil, nil // else those that name it would keep it
		}
		return gone
	})
}

// forgetQuestions drops the questions for files that no manifest names any more.
func (s *Schedule) forgetQuestions(st *stream) {
	for _, f := range st.todo.pending {
		switch {
		case f.stream != st || !f.work.waitsFor(Look) || f.disk.isWhole() || f.naming.now > 0:
		case f.manifest != nil:
			f.work.state = idle
		default:
			s.missing(f)
			st.src.forgetIfUnused(f)
		}
	}
}

// forgetManifests forgets the manifests that have been gone for long, and who named what.
func (st *stream) forgetManifests(now time.Time) {
	st.manifests = slices.DeleteFunc(st.manifests, func(m *manifest) bool {
		gone := m.isGone() && now.Sub(m.publishedAt) > manifestMemory
		if gone {
			if m.published != nil {
				m.published.spare()
				m.published.retire()
			}
			m.file.src.forget(m.file)
		}
		return gone
	})
	st.links.namedBy = slices.DeleteFunc(st.links.namedBy, func(m *manifest) bool {
		return m.file.src.files[m.file.path] != m.file
	})
	st.forgetNamed()
}

// forgetNamed forgets the streams of which no manifest of st names a file any more.
func (st *stream) forgetNamed() {
	st.links.names = slices.DeleteFunc(st.links.names, func(named *stream) bool { return !named.isNamedFrom(st) })
}

// isGone reports whether m is not on the disk, and nothing is to be done about it. As long as a PUT
// without an answer may have changed its object, and the bucket is to be asked, or as its end is
// still to be published, it is not forgotten: the end would be lost (R5).
func (m *manifest) isGone() bool {
	f := m.file
	if m.isBusy() || !m.line.endAt.IsZero() || m.isGuarded() || m.copy.late.isOpen() && !m.copy.checkAt.IsZero() {
		return false
	}
	return f.disk.state != diskWhole && f.work.state == idle && f.naming.now == 0 && len(m.waiting) == 0 &&
		f.gone.state != listed
}

// waitsTooLong reports whether the oldest snapshot of m has waited for so long that it is worth a
// warning.
func (m *manifest) waitsTooLong(now time.Time) bool {
	return len(m.waiting) > 0 && now.Sub(m.waiting[0].origin.readAt) >= waitingTooLong
}

// knowNothing applies that m has no snapshot any more with which the next one is compared. The bucket
// may have one that was given up: it is asked, and what is in the lists tells whether a run goes on.
func (m *manifest) knowNothing() {
	m.line.lose()
	if m.copy.question == answered {
		m.copy.question = askAgain
	}
}

// settleWithout applies that s was dropped, and logs it if it was not too old: what is published may have
// an end that is due (R5).
func (m *manifest) settleWithout(s *snapshot) {
	if len(m.waiting) == 0 {
		m.awaitEnd()
	}
	if m.newest() == nil {
		m.knowNothing()
	}
	if s.repeatsReturned() {
		m.file.src.schedule.reportGivenUp(m)
	}
}

// reportGivenUp logs that a snapshot of m was given up.
func (s *Schedule) reportGivenUp(m *manifest) {
	s.figures.failures++
	s.report(givenUp, m.file.stream, "key", m.file.key(), "err",
		"the server deleted files that it names before they could be uploaded, and goes on without them",
		"next", "viewers see the one before until there is a new one")
}

// dropHopeless gives up the snapshots that are not to be seen any more.
func (s *Schedule) dropHopeless(m *manifest) {
	newerGone := false
	for i := len(m.waiting) - 1; i >= 0; i-- {
		w := m.waiting[i]
		if w == m.errand.sent() || !m.hopeless(i) && !(newerGone && w.stale()) {
			continue
		}
		newerGone = true
		m.waiting = slices.Delete(m.waiting, i, i+1)
		if m.pursued == w {
			m.pursued = m.endOfFirstRun()
		}
		w.release()
		if len(m.waiting) == 0 {
			m.awaitEnd() // the run is given up with which the stream had returned
		}
		if m.newest() == nil {
			m.knowNothing()
		}
		s.reportGivenUp(m)
	}
}

func (s *Schedule) warnWaiting(m *manifest, now time.Time) {
	oldest := m.waiting[0]
	if ready, _ := oldest.ready(m.file.src, now); ready || oldest.held {
		return // its turn has not come, or its PUT fails: both are logged elsewhere
	}
	missing := 0
	for _, f := range oldest.unserved.files {
		if !f.serves(oldest, now) {
			missing++
		}
	}
	s.log.Warn("manifest waits for files that it names", "stream", m.file.stream.shown(), "key", m.file.key(),
		"first_key", oldest.unserved.files[0].key(), "missing", missing,
		"lasted", now.Sub(oldest.origin.readAt).Round(time.Second),
		"next", "it is published when they have arrived")
}

// forgetIfUnused drops the entry of a chunk that is not on disk and that no manifest names and no
// job handles.
func (src *Source) forgetIfUnused(f *file) {
	if src.dest.SkipBacklog && f.rolledOut() {
		f.work.state = idle
		f.release(Unwanted)
		src.skipped++
		src.schedule.step(f, StageSkipped)
	}
	if f.manifest == nil && f.naming.now == 0 && f.work.state == idle && f.disk.state != diskWhole &&
		f.gone.state != listed {
		src.forget(f)
	}
}

func (src *Source) forget(f *file) {
	if src.files[f.path] == f {
		delete(src.files, f.path)
		f.stream.files--
		if f.manifest != nil && src.retention != nil {
			src.retention.forgets(f)
		}
	}
}

// rolledOut reports whether f waits for its upload although EMS has deleted it and no manifest
// names it any more.
func (f *file) rolledOut() bool {
	return f.work.state == queued && f.work.isSending() && f.manifest == nil && f.naming.now == 0 && f.disk.isNameGone() &&
		!f.bucket.isConfirmed() && !f.src.bulk()
}
