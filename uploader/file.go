package uploader

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

	lost    bool // neither on disk nor in the bucket: it can never arrive
	removed bool // its name is gone from the disk
	named   int  // waiting and published snapshots that name it

	state     fileState
	look      bool // what is queued is not an upload but the question whether the bucket has it
	inPending bool
	retryAt   time.Time // after a failure to read it
	failures  int       // to read it, in a row
	lagKnown  bool      // its way into a published manifest has been measured
}

type fileState uint8

const (
	idle fileState = iota
	queued
	inFlight
)

// settled reports whether no manifest has to wait for f.
func (f *file) settled() bool { return f.confirmed || f.lost }

func (f *file) key() string { return f.src.dest.Prefix + f.path }

// maxKeyLength is S3's limit for an object's key, in bytes of UTF-8.
const maxKeyLength = 1024

// keyProblem says why f can have no object, or "".
func (f *file) keyProblem() string {
	switch k := f.key(); {
	case !utf8.ValidString(k):
		return "its name is not valid UTF-8, and S3 keys must be"
	case len(k) > maxKeyLength:
		return "its key is longer than the 1,024 bytes that S3 allows"
	}
	return ""
}
