package publish

import (
	"time"
	"unicode/utf8"

	"ems-sidecar/media"
)

// A file is one name below a root: a chunk, or a manifest in its part as a reference of another
// one.
type file struct {
	src      *Source
	stream   *stream
	path     string
	manifest *manifest // nil for a chunk

	disk      onDisk
	bucket    belief
	naming    naming
	work      work
	gone      departure
	recording *Recording // nil: it is none
}

// String returns the state of a chunk, for the log.
func (f *file) String() string {
	return f.disk.state.String() + "/" + f.bucket.String() + "/" + f.work.state.String()
}

// ReturnedCacheTime is how long caches may keep a chunk whose name can come back with other
// content. When it does, manifests that name it wait for so long after its upload: then no cache
// gives out an old one for a new.
const ReturnedCacheTime = 2 * time.Second

// outdated applies that the bucket holds other content than the disk.
func (f *file) outdated(now time.Time) {
	f.bucket.outdated(now)
	f.src.family.generation++
}

// confirm applies that the bucket holds v; the zero version is one that nothing is known of. how
// tells by what that is known.
func (f *file) confirm(v media.Version, how string, now time.Time) {
	var caches time.Duration
	if f.returns() {
		caches = ReturnedCacheTime
	}
	f.bucket.confirm(v, caches, now)
	f.src.schedule.step(f, StageConfirmed).Why = how
	if v == (media.Version{}) {
		f.release(Found)
	} else {
		f.src.release(f.path, v, Arrived)
	}
}

// release has the version that was reported last no longer be kept. A newer one may be kept
// already, and be reported next.
func (f *file) release(why Reason) { f.src.release(f.path, f.disk.version, why) }

func (f *file) key() string {
	if f.recording != nil && f.recording.Claim.Path != "" {
		return f.src.dest.Prefix + f.recording.Claim.Path
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
