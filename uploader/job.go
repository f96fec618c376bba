package uploader

import (
	"errors"
	"time"

	"ems-sidecar/media"
)

// A job is what a worker does: one request to the store.
type job struct {
	file     *file
	version  media.Version // of the chunk that is to be uploaded
	snapshot *snapshot     // of the manifest that is to be uploaded, or nil
	look     bool          // ask whether the bucket has the file, and upload nothing
	fresh    bool          // over a fresh connection
	started  time.Time
}

// A result is what came of a job.
type result struct {
	job
	found   bool  // for look
	bytes   int64 // that were sent
	fileErr error // why the file cannot be sent: fs.ErrNotExist, errChanged, or a failure to read it
	err     error // the store's
}

// errChanged says that a file is not what it was when it was closed.
var errChanged = errors.New("file changed")

// localRetryCap is the longest wait before a file that could not be read is tried again.
const localRetryCap = 30 * time.Second
