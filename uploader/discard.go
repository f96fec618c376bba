package uploader

import (
	"errors"
	"time"

	"ems-sidecar/media"
)

// discardRetry is how long a file that could not be deleted from the disk waits: rights are mended by a person.
const discardRetry = time.Hour

// errSpared is that of a file that Source.Spare spares.
var errSpared = errors.New("it may be another's")

// holds reports whether the object is the file in version v, as far as its size and time tell.
func (i *ObjectInfo) holds(v media.Version) bool {
	return i != nil && i.Size == v.Size && i.ModTime.Equal(v.ModTime)
}

// discardLater has f, which the bucket has had since uploaded, deleted from the disk if that is asked for.
func (s *schedule) discardLater(f *file, uploaded time.Time) {
	if d := f.src.dest; f.src.bulk() && d.DeleteLocal {
		f.task = discard
		f.stream.delay(f, uploaded.Add(d.DeleteLocalAfter))
	}
}

// discarded takes in what came of the comparison of f with its object.
func (s *schedule) discarded(r result, now time.Time) {
	f, st := r.file, r.file.stream
	switch {
	case !f.closed || !f.version.Equal(r.version):
		if f.closed {
			st.enqueue(f) // written again meanwhile
		}
	case r.same:
		s.log.Info("recording deleted from the disk, the bucket has it", "stream", st.name, "key", f.key(), "bytes", r.version.Size)
	default:
		f.outdated(now)
		f.spoilt, f.claim.state = true, unclaimed // it may be another one's now
		f.task = look
		st.enqueue(f)
		s.figures.failures++
		s.warnPerFile(st, "object is not the file that was uploaded", "key", f.key(), "next", "it is uploaded again; the file stays")
	}
}

// cannotDiscard handles a file that was not deleted from the disk.
func (s *schedule) cannotDiscard(r result, now time.Time) {
	f := r.file
	if errors.Is(r.fileErr, errSpared) {
		f.stream.delay(f, now.Add(discardRetry)) // until it is known what it is
		return
	}
	s.figures.failures++
	if errors.Is(r.fileErr, ErrIncomparable) {
		s.warnPerFile(f.stream, "file stays on the disk: it cannot be compared with its object", "key", f.key(), "err", r.fileErr,
			"next", "delete it yourself, or set delete_local = off")
		return
	}
	f.stream.delay(f, now.Add(discardRetry))
	s.warnPerFile(f.stream, "file cannot be deleted from the disk", "key", f.key(), "err", r.fileErr,
		"next", "tried again; the daemon's user needs write access to its directory", "retry_in", discardRetry)
}
