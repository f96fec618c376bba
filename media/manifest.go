package media

import (
	"errors"
	"iter"
	"time"
)

// ErrIncomplete is wrapped by errors about a manifest that may only be cut short: EMS truncates in
// place, so a reader can meet any prefix of the content. The next closing brings the rest.
var ErrIncomplete = errors.New("incomplete")

// A Manifest is what the publisher has to know of a file that names others.
type Manifest struct {
	// Set: it names other manifests and nothing to play, as a Master Playlist or a set-level F4M does.
	Set bool
	// Segments is how many Media Segments it names, parts and byte ranges counted each. It is known without
	// going through References: a few bytes can claim billions, so that those have to be counted; see [Tally].
	Segments int
	// Sequence and Last say where the manifest's first and last segment stand in the stream: in HLS by media
	// sequence number, in HDS by fragment number, in DASH and MSS by the time in milliseconds at which they
	// begin, or by number where a SegmentList tells no times. They grow as the stream goes on and fall when it
	// starts anew.
	Sequence, Last uint64
	// TargetDuration is about how long a segment lasts; 0 if the manifest does not tell.
	TargetDuration time.Duration
	// Ended: nothing will be added to what it names.
	Ended bool
	// Media has, for an F4M, the media whose fragments a bootstrap of its own file lists.
	Media []BootstrappedMedia

	references iter.Seq[Reference] // nil: none
}

// References yields what the manifest names, in its order, and allocates nothing but the names. The same
// name may come more than once.
func (m Manifest) References() iter.Seq[Reference] {
	if m.references == nil {
		return func(func(Reference) bool) {}
	}
	return m.references
}

// A Reference is one URI in a manifest, as it is written there.
type Reference struct {
	URI      string
	Segment  bool // and not a manifest, a key or an init segment
	Manifest bool // as what names it says; what it is called may say so, too
}

// A BootstrappedMedia is a media element of an F4M whose bootstrap information is in a file. Both are
// URIs relative to the F4M.
type BootstrappedMedia struct {
	Bootstrap string
	URL       string // the fragments are called URL + "Seg1-Frag1" and so on
}

// WithoutReferences returns m without what References needs, which is much where it names much.
func (m Manifest) WithoutReferences() Manifest {
	m.references = nil
	return m
}
