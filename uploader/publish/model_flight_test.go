package publish_test

import (
	"fmt"
	"time"

	"ems-sidecar/uploader/publish"
)

// A flight is one job in flight.
type flight struct {
	publish.Job
	key   string
	put   object
	body  *inode
	err   publish.FileFailure // why nothing was sent
	keys  []string            // of a deletion: what is deleted
	read  map[string]*record  // and, of manifests, what was read last when that began
	until time.Time           // when it has no effect any more, if it had no answer

	overtaken bool // it is the PUT of a manifest, and refused if the bucket has another than it replaces

	offers bool     // it is the PUT of a playlist, which players may get from now on
	former *edition // and this is what they had before, if anything
}

func (f *flight) String() string {
	switch {
	case f.Task == publish.ReadManifests:
		return fmt.Sprintf("survey of %v", f.Survey.Dirs)
	case f.Task == publish.Delete:
		return fmt.Sprintf("deletion of %v", f.keys)
	case f.Task == publish.PutManifest:
		return fmt.Sprintf("PUT of %s: %s", f.key, f.put.sheet.text)
	case f.Task == publish.PutChunk:
		return fmt.Sprintf("PUT of %s, content %d", f.key, f.put.id)
	}
	return f.Task.String() + " of " + f.key
}

func (f *flight) isPut() bool { return f.Task == publish.PutManifest || f.Task == publish.PutChunk }

// An outcome is how a job ends.
type outcome int

const (
	succeeds     outcome = iota
	succeedsLate         // of a manifest: so does one of its two requests, and the other may be applied later
	failsUnsent          // connection refused, 503
	failsApplied         // no answer, but it was applied
	failsLate            // no answer, and it may be applied later
	refused              // 403 for one key
	bucketIsAway         // 404 NoSuchBucket
	modelOutcomes
)

func (o outcome) String() string {
	return [...]string{"succeeds", "succeeds, and its other request may be applied later", "fails", "has no answer and was applied", "has no answer and may be applied later",
		"is refused", "is refused, as all are"}[o]
}
