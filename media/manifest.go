package media

import (
	"errors"
	"iter"
	"time"
)

// ErrIncomplete is wrapped by errors about a manifest that may only be cut short: EMS truncates
// files in place, so that a reader may get any prefix of the content. The next closing brings the
// rest.
var ErrIncomplete = errors.New("incomplete")

// A Manifest is what the uploader needs to know of a file that names others.
type Manifest struct {
	// Set: it names other manifests and nothing to play, as a Master Playlist or a set-level F4M
	// does.
	Set bool
	// Segments is how many Media Segments it names. Parts and byte ranges count. It is known before
	// References is read: a few bytes can claim billions, so count them; see [Tally].
	Segments int
	// Sequence and Last are the positions of the first and the last segment in the stream: in HLS
	// the media sequence number, in HDS the fragment number, in DASH and MSS the time in
	// milliseconds at which the segment begins, or the number where a SegmentList has no times.
	// They grow with the stream and fall when it starts again.
	Sequence, Last uint64
	// TargetDuration is about the length of a segment; 0 if the manifest does not tell.
	TargetDuration time.Duration
	// Ended: nothing will be added to what it names.
	Ended bool
	// Whole: it has ended, and says that it is a recording (EXT-X-PLAYLIST-TYPE: VOD). What is written
	// under its name later is no continuation.
	Whole bool
	// Unended: the last line of a playlist has no line end. So the playlist may be cut short, and the
	// name of its last file with it. A writer that never ends its last line means it so.
	Unended bool
	// Ranged is the URI of the last byte range that a playlist lists, or "".
	Ranged string
	// Unresolved is the first URI that does not tell which file it means, and why it is left out of
	// References: it has a variable whose value the manifest does not have. "": there is none.
	Unresolved string
	// Unordered is the pattern of the names of segments of which neither the manifest nor the disk
	// tells which exist, or in which order they come. "": there is none.
	Unordered string
	// Series are tracks of which the manifest does not tell which segments exist. These are not
	// among References, and not in Segments.
	Series []Series
	// Began is an MPD's availabilityStartTime; zero if it has none.
	Began time.Time
	// Media has, for an F4M, the media whose fragments are listed in a bootstrap file.
	Media []BootstrappedMedia

	references iter.Seq[Reference] // nil: none
}

// References yields what the manifest names, in its order. It allocates the names only. A name may
// come more than once.
func (m Manifest) References() iter.Seq[Reference] {
	if m.references == nil {
		return func(func(Reference) bool) {}
	}
	return m.references
}

// A Reference is one URI in a manifest, as it is written there.
type Reference struct {
	URI      string
	Segment  bool // not a manifest, a key or an init segment
	Manifest bool // as the manifest that names it says; its own name may say so, too
	Optional bool // players go on without it, and another server may have it
}

// A BootstrappedMedia is a media element of an F4M whose bootstrap information is in a file. Both
// are URIs relative to the F4M.
type BootstrappedMedia struct {
	Bootstrap string
	URL       string // the fragments are called URL + "Seg1-Frag1" and so on
}

// IsOpen reports whether other segments may exist when the manifest is read again, although it did
// not change.
func (m Manifest) IsOpen() bool { return len(m.Series) > 0 }

// WithoutReferences returns m without what References needs, which is much for a long manifest.
func (m Manifest) WithoutReferences() Manifest {
	m.references = nil
	return m
}
