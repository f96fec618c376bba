package publish

import (
	"time"

	"ems-sidecar/media"
)

// Done applies a job's result.
func (s *Schedule) Done(r Result, now time.Time) {
	switch r.Task {
	case ReadManifests:
		s.surveyDone(r, now)
		return
	case Delete:
		s.removalDone(r, now)
		return
	}
	f, st := r.file, r.stream // which may not be that of the file any more
	defer s.touch(st)
	defer s.touch(f.stream)
	st.inFlight--
	if r.isCheck {
		s.agenda.checks.inFlight--
	}
	s.stepAnswered(r)
	s.noteLatency(r, now)
	if gaveBack := s.isOver(r); !gaveBack {
		s.giveBackWorker(st)
	}
	s.apply(r, now)
	if r.Race != NotRaced && r.Task == PutChunk {
		f.bucket.late.begin(now)
	}
	if f.bucket.answered() {
		s.lostToSpool(f, now)
	}
	s.follow(f, now)
	f.src.forgetIfUnused(f)
}

// isOver notes that the job of r is in flight no more. It reports whether its worker was given back
// before.
func (s *Schedule) isOver(r Result) (gaveBack bool) {
	f := r.file
	switch r.Task {
	case PutManifest, Withdraw: // the answer ends the errand
	case List:
		r.stream.backlog.listing = false
	case Verify:
		f.manifest.errand = errand{}
	default:
		f.work.state = idle
		gaveBack = s.pools.loose[f]
		delete(s.pools.sending, f)
		delete(s.pools.loose, f)
		if r.Task == Discard && f.disk.isWhole() && !f.disk.version.Equal(r.Version) {
			f.work.task = PutChunk
		}
	}
	return gaveBack
}

// apply applies what failed, or the answer.
func (s *Schedule) apply(r Result, now time.Time) {
	switch {
	case r.FileFailure != NoFileFailure:
		s.lane(r.stream.src.dest).probe.isOut = false
		s.fileFailure(r, now)
	case r.Failure == KeyTaken:
		s.lane(r.stream.src.dest).probe.isOut = false
		s.keyTaken(r, now)
	case r.Failure != NoFailure:
		s.storeFailure(r, now)
	default:
		s.success(r, now)
	}
}

// success applies an answer without failure.
func (s *Schedule) success(r Result, now time.Time) {
	st := r.whose()
	l := s.lane(st.src.dest)
	if r.asksOnly() {
		// That a key is not there is no word on whether the bucket takes one: S3 answers the same
		// where the bucket is missing.
		l.probe.isOut = false
		if l.state == open {
			st.recovered()
		}
		s.answered(r, now)
		return
	}
	before := l.state
	better := l.success(st, now)
	if before != open {
		s.touchAll(func(other *stream) bool { return other.src.dest == st.src.dest })
		s.laneReopened(l, now)
	}
	if better {
		s.reopen(st.src.dest, before == bucketRefuses, now)
	}
	st.recovered()
	r.stream.recovered() // the file was its own when the request began
	s.figures.bytes += r.Bytes
	switch r.Task {
	case PutManifest:
		s.published(r.file.manifest, r.snapshot, r, now)
	case Withdraw:
		s.withdrawn(r.file.manifest, now)
	default:
		s.uploaded(r, now)
	}
}

// answered applies the answer to a question, or to a deletion from the disk.
func (s *Schedule) answered(r Result, now time.Time) {
	switch r.Task {
	case Discard:
		s.discarded(r, now)
	case Compare:
		s.compared(r, now)
	case List:
		s.listed(r, now)
	case Verify:
		s.verified(r, now)
		s.checked(r, now)
	case FindKey:
		s.recordingLooked(r, now)
	default:
		s.looked(r.file, r.Found, now)
	}
}

// uploaded applies that the bucket has taken a chunk.
func (s *Schedule) uploaded(r Result, now time.Time) {
	f, st := r.file, r.file.stream
	s.figures.chunks++
	st.figures.add(1, r.Bytes)
	s.log.Debug("uploaded", "stream", st.shown(), "key", f.key(), "bytes", r.Bytes, "took", rounded(now.Sub(r.Started)),
		"state", f.String())
	f.work.failures, f.work.attempts = 0, 0
	switch {
	case f.disk.isWhole() && !f.disk.version.Equal(r.Version): // closed again, with other content
		f.bucket.other = f.bucket.other || f.naming.shown > 0 // a manifest that did not wait for it shows it to viewers
		st.enqueue(f)
		return
	case f.disk.hasOther(r.Version):
		f.disk.contentGone()
		f.src.expect(f.path)
		return
	}
	f.confirm(r.Version, byUpload, now)
	if st.src.bulk() {
		f.recording.Spoilt, f.recording.Refused = false, ""
		s.log.Info("recording uploaded", "stream", st.shown(), "key", f.key(), "bytes", r.Bytes,
			"took", rounded(now.Sub(r.Started)))
	}
	s.discardLater(f, now)
	if f.bucket.late.mayApply(now) {
		f.work.task = Compare
		st.delay(f, pause{until: now.Add(doubtTime)})
	}
}

// reopen has the streams of dest try again at once: the bucket answers again. If it had refused
// everything, it may be another one now, and is asked what it has.
func (s *Schedule) reopen(dest *Destination, refused bool, now time.Time) {
	for _, st := range s.ring {
		if st.src.dest != dest {
			continue
		}
		s.agenda.reconsider(st) // what it was told to wait for is over
		st.reopened(now)
		if refused {
			st.checkAll(now.Add(doubtTime/2 + s.settings.Jitter(doubtTime/2)))
		}
	}
}

// looked applies what the bucket has under f's key.
func (s *Schedule) looked(f *file, found *ObjectInfo, now time.Time) {
	switch {
	case f.bucket.isConfirmed():
	case f.manifest != nil && (found != nil || f.naming.role != asOptional):
		// A child playlist that is nowhere may still appear: EMS writes the master before it.
		if found != nil {
			f.bucket.published()
		}
	case f.disk.isWhole():
		f.work.task = PutChunk
		f.stream.enqueue(f) // it came to the disk meanwhile, or was there and is not in the bucket
	case found != nil && !f.succeeds(found):
		f.confirm(media.Version{}, byQuestion, now)
	case f.disk.seen != (media.Version{}):
		f.src.expect(f.path)
	case f.disk.version == (media.Version{}) && f.mayAppear(now):
		s.reread(f, f.disk.appearsBy)
	default:
		s.loseChunk(f, "it is neither on disk nor in the bucket")
	}
}

// published applies that the bucket has snap.
func (s *Schedule) published(m *manifest, snap *snapshot, r Result, now time.Time) {
	f, st := m.file, m.file.stream
	before, shown := m.published, now.Add(-r.Settling)
	before.shownUntil(now)
	if r.Late {
		m.copy.checkAt = m.copy.late.begin(now)
	}
	m.copy.etag = r.Stored
	m.finish(snap, shown)
	lag := s.lagOf(snap, shown)
	f.work.attempts = 0
	m.notBefore = r.Started.Add(st.src.dest.ManifestInterval)
	m.publishedAt = now
	s.figures.manifests++
	attrs := []any{"stream", st.shown(), "key", f.key(), "sequence", snap.first(),
		"segments", snap.segments(), "lag", rounded(lag), "took", rounded(now.Sub(r.Started))}
	s.log.Debug("published", append(attrs, "state", m.state(now))...)
	if m.presence.allAt = (time.Time{}); snap.parsed.Ended {
		m.checkAll(now.Add(doubtTime))
	}
	s.noteLife(m, before, attrs)
	s.judge(st, now)
	for _, named := range st.links.names {
		s.judge(named, now)
	}
}

// lagOf counts how long the chunks took that the bucket's manifests name for the first time with
// snap. It returns the longest.
func (s *Schedule) lagOf(snap *snapshot, now time.Time) (longest time.Duration) {
	for _, c := range snap.refs {
		if c.manifest != nil || c.disk.writtenAt.IsZero() {
			continue
		}
		took := now.Sub(c.disk.writtenAt)
		c.disk.writtenAt = time.Time{}
		longest = max(longest, took)
		s.figures.lag(took)
		c.stream.vitals.lag = took
	}
	return longest
}

// rounded is for people.
func rounded(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
