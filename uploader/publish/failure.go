package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"ems-sidecar/internal/trouble"
)

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
		wait := s.settings.Jitter.After(f.work.failures+2, backoffBase, localRetryCap)
		f.stream.delay(f, pause{until: now.Add(wait)})
		f.stream.vitals.unreadable = cannotRead(f, r.FileErr)
		s.reportUnreadable(unreadable, f, r.FileErr, "tried again, manifests that name it wait", wait)
	}
}

// grantRead is what to do where the right to read a file is missing.
const grantRead = "give the daemon's user the right to read the file: chmod o+r, its group, or an ACL"

// cannotRead says why f keeps its stream from viewers, and what to do, if that is known.
func cannotRead(f *file, err error) string {
	cause := err
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		cause = of.Err // which does not name the file again
	}
	why := fmt.Sprintf("%s cannot be read: %v", f.key(), cause)
	if errors.Is(err, fs.ErrPermission) {
		why += "; " + grantRead
	}
	return why
}

// reportUnreadable notes that f cannot be read, and what is done about that after wait.
func (s *Schedule) reportUnreadable(t trouble.Failure, f *file, err error, next string, wait time.Duration) {
	attrs := []any{"key", f.key(), "err", err, "attempt", f.work.failures, "next", next,
		"retry_in", wait.Round(time.Millisecond)}
	if errors.Is(err, fs.ErrPermission) {
		attrs = append(attrs, "hint", grantRead)
	}
	s.report(t, f.stream, attrs...)
}

// storeFailure handles a request that the bucket did not take.
func (s *Schedule) storeFailure(r Result, now time.Time) {
	f, st := r.file, r.whose()
	s.figures.failures++
	s.takeBack(r, now)
	st.standing.failures++
	wait := s.settings.Jitter.After(st.standing.failures, backoffBase, backoffCap)
	st.standing.retryAt = now.Add(wait)
	if r.Failure.refused() {
		// Other keys may fare better, so it is first this one that waits, and then the stream.
		wait, st.standing.retryAt = RefusedProbe, time.Time{}
		if r.Task == PutManifest {
			f.manifest.notBefore = now.Add(wait)
		} else if r.wanted() {
			st.delay(f, pause{until: now.Add(wait)})
		}
		if r.Task != List && r.Task != Verify { // which are answered otherwise
			st.standing.refusals++
		}
		if st.standing.refusals >= streamRefusals {
			st.standing.refused, st.standing.retryAt = true, now.Add(wait)
		}
	}
	st.fails(r.Err, now)
	l := s.lane(st.src.dest)
	all := st.standing.refused && s.allRefused(st.src.dest, now)
	closedNow := l.failure(st, r.Failure.refused(), r.Failure == BucketRefused, all, now)
	if closedNow {
		s.touchAll(func(other *stream) bool { return other.src.dest == st.src.dest })
		s.laneClosed(r, l)
		return
	}
	s.reportFailure(r, l, wait, now)
}

// takeBack undoes what was noted when the job of r was started.
func (s *Schedule) takeBack(r Result, now time.Time) {
	m := r.file.manifest
	thisKey := r.Failure == Refused
	switch {
	case r.Task == PutManifest:
		if s := m.errand.sent(); r.Failure.refused() && s != nil && s.mayGoOn() {
			m.line.unshow()
		}
		m.line.settle()
		m.errand = errand{}
		if !r.Failure.refused() {
			m.copy.lostSight(now)
		}
	case r.Task == Withdraw:
		m.published, m.errand = m.errand.deleted(), errand{}
		if r.Failure.refused() {
			m.notBefore = now.Add(RefusedProbe)
		} else {
			m.copy.lostSight(now)
		}
	case r.Task == Verify && thisKey:
		r.Found, r.Content, r.Untold = nil, nil, true // the store does not tell
		s.verified(r, now)
		m.presence.allAt = time.Time{}
	case r.Task == List:
		s.notListed(r, thisKey, now)
	case r.wanted():
		r.file.stream.enqueue(r.file)
	}
}

// reportFailure reports r. wait is how long what failed waits.
func (s *Schedule) reportFailure(r Result, l *lane, wait time.Duration, now time.Time) {
	st, what := r.whose(), uploadFailed
	if r.asksOnly() {
		what = questionFailed
	}
	next, again, subject := "tried again over a fresh connection", wait, ""
	switch refused := r.Failure.refused(); {
	case l.closedTo(st):
		next, again = "the bucket is probed again", l.probe.at.Sub(now)
	case refused && r.Task == List:
		what, next, again = bucketUnlistable, "its files are asked for one by one", 0
	case refused && r.Task == Verify:
		next, again = "the manifest is published without that", 0
	case st.standing.refused:
		next = "this stream waits, others go on"
	case refused:
		next, subject = "this file waits, others go on", r.file.key()
	}
	attrs := []any{"key", r.file.key(), "err", r.Err, "attempt", st.standing.failures, "next", next}
	if again > 0 {
		attrs = append(attrs, "retry_in", again.Round(time.Millisecond))
	}
	n := failureNote(subject, what, st, attrs)
	if l.closedTo(st) || l.failures.areShared && !r.Failure.refused() {
		n.Shared = st.src.dest.Bucket // one line for all
	}
	s.effects.Notes = append(s.effects.Notes, n)
}
