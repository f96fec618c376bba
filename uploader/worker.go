package uploader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

const (
	// attemptTime is how long a question to the bucket may take.
	attemptTime = publish.LeastAnswerTime

	// Where names never get other content, caches may keep a chunk.
	chunkCacheControl = "public, max-age=31536000, immutable"
	// The lifetime of a manifest that has no target duration.
	masterMaxAge = 2 * time.Second
	// The lifetime of a file that is neither a chunk nor a manifest, and may be written again: a
	// poster, a list of ads.
	documentMaxAge = 10 * time.Second
)

// do makes one attempt at j, a job of src.
func (u *Uploader) do(ctx context.Context, src *Source, j publish.Job) publish.Result {
	r := publish.Result{Job: j}
	a := u.attempts.begin(src, j)
	defer u.attempts.end(a)
	ctx = context.WithValue(ctx, attemptKey{}, a)
	switch j.Task {
	case publish.ReadManifests:
		src.readInherited(ctx, &r)
		src.readArchives(ctx, &r)
	case publish.Delete:
		u.deleteObjects(ctx, src, &r)
	case publish.Withdraw:
		r.Err = u.withdraw(ctx, src, j)
	case publish.PutManifest:
		r.Bytes = int64(len(j.Manifest.Bytes))
		began := time.Now()
		r.Err = u.put(ctx, src, &r, bytes.NewReader(j.Manifest.Bytes), r.Bytes)
		r.Took = time.Since(began)
	case publish.FindKey:
		src.findKey(ctx, &r)
	case publish.Look:
		src.look(ctx, &r)
	case publish.Verify:
		src.verify(ctx, &r)
	case publish.Discard:
		src.discard(ctx, &r)
	case publish.Compare:
		src.compare(ctx, &r)
	case publish.List:
		src.list(ctx, &r)
	case publish.PutChunk:
		u.putChunk(ctx, src, &r)
	}
	r.Failure, r.FileFailure = failureOf(r.Err), fileFailureOf(r.FileErr)
	return r
}

// failureOf returns what an error of the store means.
func failureOf(err error) publish.Failure {
	switch {
	case err == nil:
		return publish.NoFailure
	case errors.Is(err, ErrExists):
		return publish.KeyTaken
	case errors.Is(err, ErrBucket):
		return publish.BucketRefused
	case errors.Is(err, ErrPermanent):
		return publish.Refused
	}
	return publish.NoAnswer
}

// fileFailureOf returns what an error about a file means.
func fileFailureOf(err error) publish.FileFailure {
	switch {
	case err == nil:
		return publish.NoFileFailure
	case errors.Is(err, fs.ErrNotExist):
		return publish.FileGone
	case errors.Is(err, errChanged):
		return publish.FileChanged
	case errors.Is(err, errSpared):
		return publish.FileSpared
	case errors.Is(err, ErrIncomparable):
		return publish.FileIncomparable
	}
	return publish.FileUnreadable
}

// look asks what the bucket has under the job's key.
func (src *Source) look(ctx context.Context, r *publish.Result) {
	if i, found, err := src.stat(ctx, r.Key); err != nil {
		r.Err = err
	} else if found {
		r.Found = &i
	} else {
		r.Untold = i.Untold
	}
}

// putChunk uploads the content that was closed. It counts as uploaded only if the file still has
// that content at the end.
func (u *Uploader) putChunk(ctx context.Context, src *Source, r *publish.Result) {
	f, err := src.openKept(ctx, r.Path)
	if err != nil {
		r.FileErr = err
		return
	}
	defer f.Close()
	if r.FileErr = unchanged(f, r.Version); r.FileErr != nil {
		return
	}
	body := newChunkBody(f, r.Version, src)
	began := time.Now()
	r.Err = u.put(ctx, src, r, body, r.Version.Size)
	r.Took = time.Since(began)
	r.Bytes = r.Version.Size
	if r.FileErr = unchanged(f, r.Version); r.FileErr == nil {
		r.FileErr = body.first()
	}
}

// errChanged means that a file is not what it was when it was closed.
var errChanged = errors.New("file changed")

// put uploads what the job of r says, and notes in r what became of a race.
func (u *Uploader) put(ctx context.Context, src *Source, r *publish.Result, body Body, size int64) error {
	j := r.Job
	ctx, cancel := u.withLimit(ctx, j.AnswerTime, size)
	defer cancel()
	race := src.dest.races.enter(j.RaceAfter, j.Task == publish.PutManifest)
	o := Object{
		Key:             j.Key,
		Body:            body,
		Size:            size,
		ModTime:         j.Version.ModTime,
		Resumable:       src.bulk(),
		IfAbsent:        src.bulk() && j.Claim.State != publish.Begun,
		Root:            src.plan.RootName(),
		Sum:             j.Manifest.Sum,
		ContentType:     src.layout.Kind(j.Path).ContentType,
		CacheControl:    src.dest.cacheControl(src.layout, j),
		FreshConnection: j.FreshConnection,
	}
	if race != nil {
		o.Race = race
	}
	if j.Task == publish.PutManifest {
		r.Stored = j.Replaces
		o.Replaces = &r.Stored
	}
	err := src.store(ctx).Put(ctx, o)
	r.Race, r.Throttled = race.outcome(err), race.throttled(err)
	r.Settling, r.Late = race.settled(err)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// withLimit returns a context for an attempt to put so many bytes, which has answerTime besides what
// its size takes at Settings.MinThroughput.
func (u *Uploader) withLimit(ctx context.Context, answerTime time.Duration,
	size int64) (context.Context, context.CancelFunc) {
	limit := answerTime + time.Duration(float64(size)/float64(u.minThroughput.Load())*float64(time.Second))
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit.Round(time.Millisecond)))
}

// cacheControl returns the header for what j puts.
func (d *Destination) cacheControl(layout media.Layout, j publish.Job) string {
	isManifest, wanted := j.Task == publish.PutManifest, d.terms()
	switch {
	case !isManifest && layout.IsRewritten(j.Path):
		return maxAge(documentMaxAge)
	case !isManifest && wanted.chunk != "":
		return wanted.chunk
	case !isManifest && !j.Immutable:
		return "public, max-age=" + strconv.Itoa(int(publish.ReturnedCacheTime/time.Second))
	case !isManifest:
		return chunkCacheControl
	case wanted.manifest != "":
		return wanted.manifest
	}
	// Half the target duration: no cache hides a playlist for longer than a player waits before it
	// asks again (RFC 8216, section 6.3.4).
	age := masterMaxAge
	if target := j.Manifest.TargetDuration; target > 0 {
		age = max(time.Second, target/2)
	}
	return maxAge(age)
}

// maxAge returns the Cache-Control of what may be cached for so long.
func maxAge(age time.Duration) string { return "max-age=" + strconv.Itoa(int(age/time.Second)) }
