package publish

import (
	"time"
)

// EMS was seen to give all bitrates of an MSS or DASH group the times of one of them in the
// manifest, and so to name chunks that it never wrote. They are no losses.

// freshManifest is how soon after its writing a manifest must be read to tell what EMS wrote: what
// it names is on disk then, since rolling deletion takes the oldest chunk seconds later at the
// earliest.
const freshManifest = 3 * time.Second

// promise notes of each chunk that is not known which manifest promised it first.
func (s *snapshot) promise() {
	m := s.manifest
	if !m.file.src.traits.NamesUnwritten || s.readAt.Sub(s.modTime) > freshManifest {
		return
	}
	for _, r := range s.refs {
		if r.naming.promised == nil && r.manifest == nil && r.disk.neverSeen() && !r.bucket.isConfirmed() {
			r.naming.promised = m
		}
	}
}

// loseChunk gives up a chunk that is not on disk and will not be in the bucket.
func (s *Schedule) loseChunk(f *file, why string) {
	m := f.naming.promised
	if m == nil || !f.disk.neverSeen() {
		s.lose(f, "chunk is lost", why)
		return
	}
	known := f.bucket.isLost()
	f.bucket.lost()
	f.release(Lost)
	if known {
		return
	}
	s.figures.unwritten++
	if m.breaksPromises {
		return
	}
	m.breaksPromises = true
	s.log.Warn("EMS names chunks in a manifest that it did not write", "stream", m.file.stream.name, "key", m.file.key(), "first", f.key(),
		"next", "the manifest does not wait for them; further ones are only counted, as unwritten",
		"hint", "in MSS and DASH groups of several bitrates, EMS gives all of them the times of one")
}
