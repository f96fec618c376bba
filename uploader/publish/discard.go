package publish

import "time"

// discardRetry is how long a file that could not be deleted from the disk waits: rights are mended
// by a person.
const discardRetry = time.Hour

// discardLater has f, which the bucket has had since uploaded, deleted from the disk if that is
// asked for.
func (s *Schedule) discardLater(f *file, uploaded time.Time) {
	if d := f.src.dest; f.src.bulk() && d.DeleteLocal {
		f.work.task = Discard
		f.stream.delay(f, pause{until: uploaded.Add(d.DeleteLocalAfter)})
	}
}

// discarded applies the result of the comparison of f with its object.
func (s *Schedule) discarded(r Result, now time.Time) {
	f, st := r.file, r.file.stream
	switch {
	case !f.disk.isWhole() || !f.disk.version.Equal(r.Version):
		if f.disk.isWhole() {
			st.enqueue(f) // written again meanwhile
		}
	case r.Same:
		s.log.Info("recording deleted from the disk, the bucket has it", "stream", st.shown(), "key", f.key(),
			"bytes", r.Version.Size)
	default:
		f.outdated(now)
		f.recording.Spoilt, f.recording.Claim.State = true, Unclaimed // it may be another one's now
		f.work.task = Look
		st.enqueue(f)
		s.figures.failures++
		s.reportOf(f.key(), objectDiffers, st, "key", f.key(), "next", "it is uploaded again; the file stays")
	}
}

// cannotDiscard handles a file that was not deleted from the disk.
func (s *Schedule) cannotDiscard(r Result, now time.Time) {
	f := r.file
	if r.FileFailure == FileSpared {
		f.stream.delay(f, pause{until: now.Add(discardRetry)}) // until it is known what it is
		return
	}
	s.figures.failures++
	if r.FileFailure == FileIncomparable {
		s.reportOf(f.key(), incomparable, f.stream, "key", f.key(), "err", r.FileErr,
			"next", "delete it yourself, or set delete_local = off")
		return
	}
	f.stream.delay(f, pause{until: now.Add(discardRetry)})
	s.reportOf(f.key(), undeletable, f.stream, "key", f.key(), "err", r.FileErr,
		"next", "tried again; the daemon's user needs write access to its directory", "retry_in", discardRetry)
}
