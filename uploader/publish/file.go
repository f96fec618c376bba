package publish

import (
	"time"
	"unicode/utf8"

	"ems-sidecar/media"
)

// A file is one name below a root: a chunk, or a manifest in its part as a reference of another one.
type file struct {
	src      *Source
	stream   *stream
	path     string
	manifest *manifest // nil for a chunk

	closed   bool // version is on disk, whole
	version  media.Version
	closedAt time.Time // when EMS wrote the last of it, as far as the file tells

	// confirmed: the bucket holds confirmedVersion. For a manifest: it was published at least once.
	confirmed        bool
	confirmedVersion media.Version
	replaces         bool      // until it is confirmed anew, the bucket holds other content under this name
	freshAt          time.Time // when no cache holds that other content any more
	changedAt        time.Time // when it was last seen to have other content than the bucket

	claim   Claim  // of a recording: its key in the bucket
	refused string // of a recording: the path that another one has in the bucket, although a look did not find it
	spoilt  bool   // of a recording: the bucket has other content than was sent

	seen      media.Version // on disk when a manifest was read that names it, until something is reported of it
	deletedAt time.Time     // when a deletion of its object had no answer, and may still be applied
	doubted   bool          // not there when it was looked for; it may still appear
	lost      bool          // neither on disk nor in the bucket: it can never arrive
	removed   bool          // its name is gone from the disk
	promised  *manifest     // which named it first, just written, when the file was not on disk
	listed    bool          // a manifest has named it
	unlisted  bool          // is, or was, in stream.unlisted
	named     int           // waiting and published snapshots that name it
	shown     int           // of them, the published ones

	state        fileState
	task         Task // what it is queued for: PutChunk, Look, Discard or Compare
	inPending    bool
	inUncompared bool
	candidate    *ObjectInfo // what a listing has under its key, which may be it
	retryAt      time.Time   // not to be tried before
	delayed      bool        // is in stream.delayed
	early        bool        // retryAt is because EMS will change it once more
	failures     int         // to read it, in a row
	lagKnown     bool        // its way into a published manifest has been measured

	gone departure
}

type fileState uint8

const (
	idle fileState = iota
	queued
	inFlight
)

// ReturnedCacheTime is how long caches may keep a chunk whose name can come back with other content. When it
// does, manifests that name it wait for so long after its upload: then no cache gives out an old one for a new.
const ReturnedCacheTime = 2 * time.Second

// serves reports whether snapshot s need not wait for f.
func (f *file) serves(s *snapshot, now time.Time) bool {
	switch {
	case f.lost:
		return true
	case !f.confirmed:
		return false
	case f.manifest != nil:
		return !f.manifest.owes(s, now)
	}
	return !now.Before(f.freshAt)
}

// settled reports whether no manifest has to wait for f, but for a moment.
func (f *file) settled() bool { return f.confirmed || f.lost }

// outdated takes in that the bucket holds other content than the disk.
func (f *file) outdated(now time.Time) {
	f.confirmed, f.replaces, f.changedAt = false, true, now
	f.src.generation++
}

// confirm takes in that the bucket holds v.
func (f *file) confirm(v media.Version, now time.Time) {
	f.confirmed, f.confirmedVersion = true, v
	f.lost, f.gone.unsure = false, false
	if v == (media.Version{}) {
		f.release(Found)
	} else {
		f.src.release(f.path, v, Arrived)
	}
	if f.replaces {
		f.replaces, f.freshAt = false, now
		if f.src.traits.ReusesNames {
			f.freshAt = now.Add(ReturnedCacheTime)
		}
	}
}

// release has the version that was reported last no longer be kept. A newer one may be kept already, and be reported next.
func (f *file) release(why Reason) { f.src.release(f.path, f.version, why) }

// unreported reports whether the disk has other content than v, of which no closing was reported yet.
func (f *file) unreported(v media.Version) bool {
	return f.seen != (media.Version{}) && !f.seen.Equal(v)
}

// succeeds reports whether f has other content than the object i, which had the name before. What is known only by a
// name that never comes back is taken for the same.
func (f *file) succeeds(i *ObjectInfo) bool {
	return f.seen != (media.Version{}) && !i.Holds(f.seen) || f.replaces && i.Holds(f.confirmedVersion) ||
		f.src.traits.ReusesNames && f.version != (media.Version{}) && !i.ModTime.IsZero() && !i.Holds(f.version)
}

func (f *file) key() string {
	if f.claim.Path != "" {
		return f.src.dest.Prefix + f.claim.Path
	}
	return f.src.dest.Prefix + f.path
}

// keyProblem says why f can have no object, or "".
func (f *file) keyProblem() string {
	switch k := f.key(); {
	case !utf8.ValidString(k):
		return "its name is not valid UTF-8, and S3 keys must be"
	case len(k) > MaxKeyLength:
		return "its key is longer than the 1,024 bytes that S3 allows"
	}
	return ""
}
