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
	if !s.traits().NamesUnwritten || s.origin.readAt.Sub(s.origin.modTime) > freshManifest {
		return
	}
	for _, r := range s.refs {
		if r.naming.promised == nil && r.manifest == nil && r.disk.neverSeen() && !r.bucket.isConfirmed() {
			r.naming.promised = m
		}
	}
}
