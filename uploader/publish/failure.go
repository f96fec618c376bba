package publish

import "time"

// fileFailure handles a chunk that could not be read, or was not what it had been.
func (s *Schedule) fileFailure(r Result, now time.Time) {
	f := r.file
	newer := f.disk.isWhole() && !f.disk.version.Equal(r.Version)
	switch {
	case f.bucket.isLost(): // it was given up meanwhile: the spool was full
	case newer:
		f.stream.enqueue(f)
	case r.FileFailure == FileGone:
		f.disk.nameGone()
		if !f.bucket.isConfirmed() {
			s.missing(f)
		}
	case r.FileFailure == FileChanged:
		// Being rewritten: its next closing brings it back.
		f.disk.contentGone()
		f.src.expect(f.path)
	case r.Task == Discard:
		s.cannotDiscard(r, now)
	default:
		f.work.failures++
		s.figures.failures++
		wait := s.jitter.backoff(f.work.failures+2, localRetryCap)
		f.stream.delay(f, pause{until: now.Add(wait)})
		s.report(unreadable, f.stream, "key", f.key(), "err", r.FileErr, "attempt", f.work.failures,
			"next", "tried again, manifests that name it wait", "retry_in", wait.Round(time.Millisecond))
	}
}

// storeFailure handles a request that the bucket did not take.
func (s *Schedule) storeFailure(r Result, now time.Time) {
	f, st := r.file, r.file.stream
	refused, whole := r.Failure.refused(), r.Failure == BucketRefused
	switch {
	case r.Task == PutManifest:
		f.manifest.errand = errand{}
		if !refused {
			f.manifest.copy.lostSight(now)
		}
	case r.Task == Verify && refused && !whole:
		f.manifest.copy.question, f.manifest.copy.checkAt = answered, time.Time{} // the store does not tell
		f.manifest.presence.allAt = time.Time{}
	case r.Task == List:
		s.notListed(r, refused && !whole, now)
	case r.wanted():
		st.enqueue(f)
	}
	s.figures.failures++
	st.failures++
	wait := s.jitter.backoff(st.failures, backoffCap)
	st.retryAt = now.Add(wait)
	if refused {
		// Other keys may fare better, so it is first this one that waits, and then the stream.
		wait = RefusedProbe
		st.retryAt = time.Time{}
		if r.Task == PutManifest {
			f.manifest.notBefore = now.Add(wait)
		} else if r.wanted() {
			st.delay(f, pause{until: now.Add(wait)})
		}
		question := r.Task == List || r.Task == Verify // which is answered otherwise
		if !question {
			st.refusals++
		}
		if st.refusals >= streamRefusals {
			st.refused, st.retryAt = true, now.Add(wait)
		}
	}
	l := s.lane(st.src.dest)
	closedNow := l.failure(st, refused, whole, st.refused && s.allRefused(st.src.dest, now), now)
	if closedNow {
		s.touchAll(func(other *stream) bool { return other.src.dest == st.src.dest })
	}
	what := uploadFailed
	if r.asksOnly() {
		what = questionFailed
	}
	attrs := []any{"key", f.key(), "err", r.Err, "attempt", st.failures}
	switch {
	case closedNow && l.state != silent:
		s.log.Error("bucket refuses requests, uploads to it are stopped", append(attrs, "stream", st.name, "bucket", st.src.dest.Bucket,
			"next", "one request at a time probes whether that is mended", "retry_in", RefusedProbe)...)
	case closedNow:
		s.log.Error("bucket serves no requests, uploads to it wait", append(attrs, "stream", st.name, "bucket", st.src.dest.Bucket,
			"next", "one request at a time probes whether it is back")...)
	case l.closedTo(st):
		s.report(what, st, append(attrs, "next", "the bucket is probed again",
			"retry_in", l.probeAt.Sub(now).Round(time.Millisecond))...)
	case refused && r.Task == List:
		s.log.Warn("bucket cannot be listed", append(attrs, "stream", st.name, "next", "its files are asked for one by one")...)
	case refused && r.Task == Verify:
		s.report(what, st, append(attrs, "next", "the manifest is published without that")...)
	case st.refused:
		s.report(what, st, append(attrs, "next", "this stream waits, others go on", "retry_in", wait)...)
	case refused:
		s.report(what, st, append(attrs, "next", "this file waits, others go on", "retry_in", wait)...)
	default:
		s.report(what, st, append(attrs, "next", "tried again over a fresh connection",
			"retry_in", wait.Round(time.Millisecond))...)
	}
}
