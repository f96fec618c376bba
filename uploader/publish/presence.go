package publish

import "time"

// A presence is when the bucket is asked whether it still has what a manifest names. Of a live one,
// the newest chunk is asked for with the manifest itself; of one that has ended, or does not move,
// once all.
type presence struct {
	allAt  time.Time // when all of it is asked for; zero: it need not be
	allHad time.Time // when all of it was asked for last
}

// checkAll has the bucket asked for all that m names at a time.
func (m *manifest) checkAll(at time.Time) {
	m.presence.allAt = at
	m.copy.checkAt = earlier(m.copy.checkAt, at)
}

// toCheck returns the chunks that are asked for with m now.
func (m *manifest) toCheck(now time.Time) (chunks []*file) {
	if m.published == nil {
		return nil
	}
	refs := m.published.refs
	if all := !m.presence.allAt.IsZero() && !now.Before(m.presence.allAt); !all {
		newest := 1
		if m.copy.late.isOpen() {
			newest = doubtedChunks
		}
		refs = refs[max(0, len(refs)-newest):]
	}
	for _, f := range refs {
		if f.isAtRest() {
			chunks = append(chunks, f)
		}
	}
	return chunks
}

// isAtRest reports whether the bucket has f, a chunk, and nothing is being done about it.
func (f *file) isAtRest() bool {
	return f.manifest == nil && f.bucket.isConfirmed() && f.work.state == idle
}

// checked notes which of the chunks that m names the bucket still has.
func (s *Schedule) checked(r Result, now time.Time) {
	m := r.file.manifest
	missing := false
	for _, l := range r.Listing {
		f := l.file
		if _, there := r.Objects[l.Key]; there || !f.isAtRest() || f.naming.shown == 0 {
			continue
		}
		missing = true
		s.vanished(f, r.OnDisk[l.Path])
	}
	if !m.presence.allAt.IsZero() && !r.Started.Before(m.presence.allAt) {
		m.presence.allAt, m.presence.allHad = time.Time{}, now
	} else if missing {
		m.checkAll(now) // others may be gone, too
	}
	m.copy.checkAt = earlier(m.copy.checkAt, m.presence.allAt)
}

// vanished has f, which the bucket had and has not any more, uploaded once more, or says that it is
// lost.
func (s *Schedule) vanished(f *file, onDisk bool) {
	f.bucket.missing()
	f.src.family.generation++ // manifests wait for it
	if !onDisk {
		f.disk.contentGone()
		f.bucket.lost()
		s.figures.lost++
		s.step(f, StageLost).Why = vanishedWhy
		s.report(objectLost, f.stream, "key", f.key(),
			"next", "viewers miss it; manifests that name it no longer wait for it",
			"hint", "did someone else delete it, or a lifecycle rule?")
		return
	}
	s.figures.failures++
	s.report(objectMissing, f.stream, "key", f.key(),
		"next", "it is uploaded once more")
	if !f.disk.isWhole() {
		f.src.expect(f.path)
		return
	}
	f.work.task = PutChunk
	f.stream.enqueue(f)
}

// restore has m, whose object is missing, published once more, or says that it is lost.
func (s *Schedule) restore(m *manifest) {
	f := m.file
	switch {
	case f.gone.hasLeft(): // it is to be deleted
	case f.disk.isNameGone() && m.published.own.content == nil:
		m.publishedAt = time.Time{} // it is not asked for any more
		s.figures.lost++
		s.step(f, StageLost).Why = vanishedWhy
		s.reportOf(f.key(), manifestLost, f.stream, "key", f.key(),
			"next", "it stays out of the bucket until it is written again",
			"hint", "did someone else delete it, or a lifecycle rule?")
	default:
		s.figures.failures++
		s.report(manifestMissing, f.stream, "key", f.key(),
			"next", "it is published once more")
		s.putAgain(m)
	}
}

// putAgain has what was published last put once more. If its content is not known any more, the
// file is read for it.
func (s *Schedule) putAgain(m *manifest) {
	if m.published.own.content != nil {
		m.copy.distrust()
		m.again()
		return
	}
	m.copy.trust = outdated
	m.file.src.expect(m.file.path)
}
