package publish

import (
	"time"

	"ems-sidecar/media"
)

// absentGrace is how long a file that a manifest names, but that was never there, may take to
// appear: EMS writes the first manifest of a DASH stream before the init segments.
const absentGrace = 2 * time.Second

// mayAppear reports whether f, which is not on the disk and never was, may still appear there. It may be
// asked for more often than once in that time, as it is with each manifest that names it. Of what a
// server only promises, the next manifest tells.
func (f *file) mayAppear(now time.Time) bool {
	if f.disk.appearsBy.IsZero() {
		f.disk.appearsBy = now.Add(absentGrace)
		return true
	}
	return now.Before(f.disk.appearsBy) && f.naming.promised == nil
}

// awayRetry is how long a file waits that is not there because the root is not, perhaps, before it
// is asked for again.
const awayRetry = 10 * time.Second

// Removed applies that the name p is gone from the disk, and that nothing of it is kept. If perhaps
// is set, that may be only because the root is gone.
func (s *Schedule) Removed(src *Source, p string, perhaps bool, now time.Time) {
	defer s.touchPath(src, p, src.streamOf(p))
	s.left(src, p, now)
	if perhaps {
		s.removedPerhaps(src, p, now)
	} else {
		s.removed(src, p)
	}
}

func (s *Schedule) removed(src *Source, p string) {
	src.manifestFit(p)
	f, ok := src.files[p]
	if !ok {
		return
	}
	f.disk.nameGone()
	f.disk.seen = media.Version{}
	switch {
	case f.manifest != nil:
		return // what was read of it is still to be published (R5)
	case f.bucket.isConfirmed() || f.work.state == inFlight:
	case f.disk.isWhole() && f.work.state == queued: // its upload finds the content in the spool, if there is any (R6)
		if f.work.pause.isForPatch() {
			f.work.pause = pause{} // EMS changes no file that it deleted
		}
	default:
		s.missing(f)
	}
	src.forgetIfUnused(f)
}

func (s *Schedule) removedPerhaps(src *Source, p string, now time.Time) {
	if f, ok := src.files[p]; ok && f.manifest == nil && !f.bucket.isConfirmed() && f.work.state == idle {
		s.reread(f, now.Add(awayRetry))
		return
	}
	s.removed(src, p)
}

// Absent applies that p, which a manifest names or which was to be read again, is not on disk, and
// not kept either. If perhaps is set, that may be only because the root is gone.
func (s *Schedule) Absent(src *Source, p string, perhaps bool, now time.Time) {
	defer s.touchPath(src, p, src.streamOf(p))
	if perhaps {
		s.absentPerhaps(src, p, now)
	} else {
		s.absent(src, p)
	}
}

func (s *Schedule) absent(src *Source, p string) {
	f, ok := src.files[p]
	if !ok {
		return
	}
	if f.manifest != nil {
		f.disk.nameGone()
		for _, w := range f.manifest.waiting {
			w.held = false
		}
	}
	f.disk.seen = media.Version{}
	if !f.bucket.isSettled() && f.work.state == idle {
		f.disk.nameGone()
		s.missing(f)
	}
}

func (s *Schedule) absentPerhaps(src *Source, p string, now time.Time) {
	if f, ok := src.files[p]; ok {
		s.reread(f, now.Add(awayRetry))
	}
}

// missing handles a file that is not on disk and not confirmed. If a manifest names it, the bucket
// is asked for it: an earlier run may have uploaded it.
func (s *Schedule) missing(f *file) {
	f.disk.contentGone()
	if f.naming.now == 0 && f.manifest == nil {
		f.work.state = idle
		s.loseChunk(f, "it was deleted from the disk before it could be uploaded")
		return
	}
	f.work.task, f.work.pause = Look, pause{}
	f.stream.enqueue(f)
}
