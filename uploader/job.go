package uploader

import (
	"errors"
	"time"

	"ems-sidecar/media"
)

// A job is what a worker does: one request to the store.
type job struct {
	file      *file
	version   media.Version // of the chunk that is to be uploaded
	snapshot  *snapshot     // of the manifest that is to be uploaded, or nil
	task      task          // without a snapshot
	listing   []*file       // of a list or a verification: chunks in question
	candidate *ObjectInfo   // of a compare: what a listing has
	claim     claim         // of a recording's upload: the key; and what a look for it found
	fresh     bool          // over a fresh connection
	started   time.Time

	// Instead of all that: a job that deletes objects, of one source.
	removals []removal
	survey   *survey // or one that looks for what may name them
	src      *Source
}

// A result is what came of a job.
type result struct {
	job
	found   *ObjectInfo           // of a look or a verification; nil: the bucket has none
	untold  bool                  // or does not tell
	same    bool                  // of a compare or discard: the bucket had the file; and then it is deleted from the disk
	objects map[string]ObjectInfo // of a list or a verification: those that the bucket has, by key
	onDisk  []*file               // of a verification: chunks that it does not have, and that are on the disk
	bytes   int64                 // that were sent
	fileErr error                 // why the file cannot be sent: fs.ErrNotExist, errChanged, or a failure to read it
	err     error                 // the store's

	inherited []inherited // of a survey
	surveyed  []string    // the directories of which these are all

	noRoot error // of a deletion: why the root cannot be looked into
}

// wanted reports whether a job without a snapshot that failed is to be done again.
func (r result) wanted() bool {
	f := r.file
	switch r.task {
	case list, verify:
		return false
	case upload, compare:
		if f.lost { // it was given up meanwhile: the spool was full
			return false
		}
	case look:
		return !f.confirmed
	case discard:
		return true
	}
	return !f.confirmed || !f.confirmedVersion.Equal(f.version)
}

// errChanged says that a file is not what it was when it was closed.
var errChanged = errors.New("file changed")

// localRetryCap is the longest wait before a file that could not be read is tried again.
const localRetryCap = 30 * time.Second

// sum is the SHA-256 of a manifest's content, or "".
func (j job) sum() string {
	if j.snapshot == nil {
		return ""
	}
	return j.snapshot.hexSum()
}
