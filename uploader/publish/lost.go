package publish

import (
	"time"

	"ems-sidecar/internal/trouble"
)

// lose gives up a file that can never arrive: no manifest waits for it any longer.
func (s *Schedule) lose(f *file, what trouble.Failure, why string) {
	known := f.bucket.isLost()
	f.bucket.lost()
	f.release(Lost)
	if known {
		return
	}
	s.figures.lost++
	s.step(f, StageLost).Why = why
	subject := ""
	if what != chunkLost {
		subject = f.key() // it is not tried again
	}
	next := "it stays out of the bucket; no manifest names it"
	if f.naming.now > 0 {
		next = "the manifest that names it no longer waits for it"
	}
	s.reportOf(subject, what, f.stream, "key", f.key(), "err", why, "next", next)
}

// loseChunk gives up a chunk that is not on disk and will not be in the bucket.
func (s *Schedule) loseChunk(f *file, why string) {
	if f.naming.role == asOptional && f.disk.neverSeen() {
		s.goWithout(f)
		return
	}
	m := f.naming.promised
	if m == nil || !f.disk.neverSeen() {
		s.lose(f, chunkLost, why)
		return
	}
	known := f.bucket.isLost()
	f.bucket.lost()
	f.release(Lost)
	if known {
		return
	}
	s.figures.unwritten++
	if m.told.promises {
		return
	}
	m.told.promises = true
	s.reportOf(m.file.key(), chunksUnwritten, m.file.stream, "key", m.file.key(), "first_key", f.key(),
		"next", "the manifest does not wait for them; further ones are only counted, as unwritten",
		"hint", "some servers give all bitrates of an MSS or DASH group the times of one")
}

// goWithout has no manifest wait for f, which is not on the disk, and which players can do without.
func (s *Schedule) goWithout(f *file) {
	if f.bucket.isLost() {
		return
	}
	f.bucket.lost()
	s.reportOf(f.key(), optionalAbsent, f.stream, "key", f.key(),
		"next", "the manifest does not wait for it; it is published if it is written later",
		"hint", "if another server has it, its address in the manifest should be absolute")
}

// Evicted applies that the chunk p, which is not on disk, is not kept any longer for want of room:
// it is lost, unless the request in flight still brings it.
func (s *Schedule) Evicted(src *Source, p string, now time.Time) {
	defer s.touchPath(src, p, src.streamOf(p))
	f, ok := src.files[p]
	if !ok || f.bucket.isSettled() {
		return
	}
	if f.work.state == queued {
		f.work.state = idle
	}
	f.disk.contentGone()
	if f.disk.hasOther(f.disk.version) { // another run has used its name since: manifests mean that one's
		s.lostToSpool(f, now)
		src.expect(p)
		return
	}
	if f.work.state == inFlight {
		f.bucket.givenUp()
	} else {
		f.bucket.lost()
		s.lostToSpool(f, now)
	}
	src.family.generation++ // manifests need not wait for it
	src.forgetIfUnused(f)
}

// lostToSpool counts that f is lost because the spool was full.
func (s *Schedule) lostToSpool(f *file, now time.Time) {
	s.figures.lost++
	s.step(f, StageLost).Why = "the spool was full"
	st := f.stream
	if st.standing.evictedAt.IsZero() {
		s.noteCondition(Note{Condition: spoolFull, Message: spoolFull.Message, Source: st.src, Stream: st.shown(),
			Subject: st.format(), Attrs: []any{"key", f.key(),
				"next", "further ones of this stream are only counted, until none was lost for a minute",
				"hint", "spool_max bounds what is kept of files that are deleted before their upload"}})
	}
	st.standing.evictedAt = now
}

// noteSpoolRoom notes that no chunk of st was lost to a full spool for a minute.
func (s *Schedule) noteSpoolRoom(st *stream, now time.Time) {
	if at := st.standing.evictedAt; !at.IsZero() && now.Sub(at) >= time.Minute {
		st.standing.evictedAt = time.Time{}
		s.noteCondition(Note{Condition: spoolFull, Message: spoolFull.Over, Source: st.src, Stream: st.shown(),
			Subject: st.format(), Ends: true})
	}
}
