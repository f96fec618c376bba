package publish

import (
	"time"

	"ems-sidecar/media"
)

// A Job is one thing to be done outside of the schedule: most often one request to the store. Which
// fields are set depends on the Task.
type Job struct {
	Task            Task
	Source          *Source
	Path            string        // of the file, below the root
	Key             string        // of its object
	Version         media.Version // of a chunk
	Immutable       bool          // of a chunk: its name never gets other content
	Manifest        Content       // of a PutManifest, or what a Withdraw takes away
	Listing         []Named       // of a List or Verify: chunks in question
	Candidate       *ObjectInfo   // of a Compare: what a listing has under the key
	Recall          bool          // of a Verify: what the bucket has is read, to be continued
	Known           string        // except content with this SHA-256, in hex
	FreshConnection bool          // no earlier attempt has used it
	AnswerTime      time.Duration // of an upload: how long it may take, besides what its size takes
	RaceAfter       time.Duration // of an upload: then a second request is sent; 0: none is
	Replaces        string        // of a PutManifest: the ETag of what the bucket has; "": it is not known
	Started         time.Time

	Recording           // of a FindKey, or the PUT of a recording
	Removals  []Removal // of a Delete
	Survey    *Survey   // of a ReadManifests

	file     *file
	stream   *stream // whose worker does it
	snapshot *snapshot
	isCheck  bool // see choice.isCheck
}

// A Task is what a job does.
type Task uint8

const (
	// PutChunk uploads a file, in one version.
	PutChunk Task = iota
	// PutManifest uploads what was read of a manifest.
	PutManifest
	// Look asks what the bucket has under a key.
	Look
	// FindKey asks under which key a recording goes, so that it replaces no other.
	FindKey
	// Discard deletes a file from the disk, if the bucket has just this version.
	Discard
	// Compare asks whether the bucket has a file, in one version.
	Compare
	// List asks which of many files the bucket has.
	List
	// Verify asks what the bucket has of a manifest, and which of some chunks that it names.
	Verify
	// Delete deletes the objects of files that are not on disk, which is found out first.
	Delete
	// Withdraw deletes the object of a playlist that is stale.
	Withdraw
	// ReadManifests reads the manifests that the bucket has in some directories.
	ReadManifests
)

func (t Task) String() string {
	return [...]string{"put chunk", "put manifest", "look", "find key", "discard", "compare", "list", "verify", "delete",
		"withdraw", "read manifests"}[t]
}

// Content is what a PutManifest sends.
type Content struct {
	Bytes          []byte
	Sum            string        // SHA-256, in hex
	TargetDuration time.Duration // zero if the manifest tells none
}

// A Named is a chunk of a listing.
type Named struct {
	Path string
	Key  string
	file *file
}

// A Result is how a job ended.
type Result struct {
	Job
	Found   *ObjectInfo           // of a Look or Verify; nil: the bucket has none
	Untold  bool                  // or does not tell
	Content []byte                // of a Verify that recalls; without Found, what was withdrawn; nil: nothing, or known
	Same    bool                  // of a Compare or Discard: the bucket had the file; and then it is deleted from the disk
	Objects map[string]ObjectInfo // of a List or Verify: those that the bucket has, by key
	OnDisk  map[string]bool       // of a Verify: paths of chunks that it does not have, and that are on the disk
	Bytes   int64                 // that were sent
	Took    time.Duration         // of an upload: from the beginning of the request to its answer
	Race    Race
	Stored  string // of a PutManifest: the ETag of what the bucket has now; "": the store told none

	// Of a PutManifest that was raced, and succeeded: how much later the other request was answered, up to
	// when Took counts, and whether it had no answer, so that it may still be applied.
	Settling time.Duration
	Late     bool

	Throttled bool // the bucket wants fewer requests

	FileFailure FileFailure
	FileErr     error // for the log
	Failure     Failure
	Err         error // for the log

	Inherited    []Inherited // of a ReadManifests
	Surveyed     []string    // directories of which these are all manifests
	Archived     []string    // of the survey's files, those that an archive or a clip names
	ArchivesRead []string    // streams of which these are all
	NoRoot       error       // of a Delete: why the root cannot be looked into
}

// A Failure says how far a request to the store came.
type Failure uint8

const (
	// NoFailure means that the store did what was asked.
	NoFailure Failure = iota
	// NoAnswer means that the request failed and may still be applied. Another attempt may succeed.
	NoAnswer
	// NotDone means that the store did not do it, and may do it later.
	NotDone
	// Refused means that the same request will be refused again.
	Refused
	// BucketRefused means the same of every key alike.
	BucketRefused
	// KeyTaken means that a Put must not replace the object that the bucket has.
	KeyTaken
)

func (f Failure) String() string {
	return [...]string{"none", "no answer", "not done", "refused", "bucket refused", "key taken"}[f]
}

// refused reports whether the same request will be refused again.
func (f Failure) refused() bool { return f == Refused || f == BucketRefused }

// A FileFailure says why a file could not be sent, compared or deleted.
type FileFailure uint8

const (
	// NoFileFailure means that nothing was wrong with the file.
	NoFileFailure FileFailure = iota
	// FileGone means that the file is not on the disk, and not kept either.
	FileGone
	// FileChanged means that the file is not what it was when it was closed.
	FileChanged
	// FileSpared means that the file may be another's, and must not be deleted.
	FileSpared
	// FileIncomparable means that the store has no checksum of the object.
	FileIncomparable
	// FileUnreadable means that reading or deleting it failed.
	FileUnreadable
)

func (f FileFailure) String() string {
	return [...]string{"none", "file gone", "file changed", "file spared", "file incomparable", "file unreadable"}[f]
}

// wanted reports whether a job without a snapshot that failed is to be done again.
func (r Result) wanted() bool {
	f := r.file
	switch r.Task {
	case List, Verify:
		return false
	case PutChunk, Compare:
		if f.bucket.isLost() { // it was given up meanwhile: the spool was full
			return false
		}
	case Look, FindKey:
		return !f.bucket.isConfirmed()
	case Discard:
		return true
	}
	return !f.bucket.has(f.disk.version)
}

// whose returns the stream that fares as the job does. A listing is about files of all streams in a
// directory.
func (j Job) whose() *stream {
	if j.Task == List {
		return j.stream
	}
	return j.file.stream
}

// asksOnly reports whether the job changes nothing in the bucket.
func (j Job) asksOnly() bool {
	return j.Task != PutChunk && j.Task != PutManifest && j.Task != Withdraw
}

// localRetryCap is the longest wait before a file that could not be read is tried again.
const localRetryCap = 30 * time.Second

// answered returns how long an upload took to its first good answer.
func (r *Result) answered() time.Duration { return r.Took - r.Settling }
