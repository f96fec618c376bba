package uploader

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ems-sidecar/uploader/publish"
)

const (
	// overtime is how long the Store may take to end an attempt whose deadline has passed: it aborts
	// what it began.
	overtime = time.Minute
	// questionTime is how long one question to the bucket may take. The Store gives up sooner.
	questionTime = 2 * time.Minute
	// patience is how long an attempt may take between two signs of life where it has no deadline of
	// its own: a list of a million objects, a comparison of a long recording. Each page and each read
	// is such a sign.
	patience = time.Hour
)

// attempts are those that are under way. They are used from any goroutine.
type attempts struct {
	noting sync.Mutex
	all    map[*attempt]struct{}
}

// An attempt is what one worker does.
type attempt struct {
	src *Source
	job publish.Job

	noting sync.Mutex
	due    time.Time // when its next sign of life has to come
}

func (as *attempts) begin(src *Source, j publish.Job) *attempt {
	a := &attempt{src: src, job: j}
	a.expect(patience)
	as.noting.Lock()
	defer as.noting.Unlock()
	if as.all == nil {
		as.all = make(map[*attempt]struct{})
	}
	as.all[a] = struct{}{}
	return a
}

func (as *attempts) end(a *attempt) {
	as.noting.Lock()
	defer as.noting.Unlock()
	delete(as.all, a)
}

// hung returns an error that names an attempt which is past its deadline, or nil. One that waits for
// a file system is none: other roots go on.
func (as *attempts) hung(now time.Time) error {
	as.noting.Lock()
	defer as.noting.Unlock()
	for a := range as.all {
		if late := a.lateBy(now); late > 0 && a.src.disk.StuckSince(now).IsZero() {
			return fmt.Errorf("a worker hangs: %s of %q in %s should have ended %v ago", a.job.Task, a.job.Key,
				a.src.dir, late.Round(time.Second))
		}
	}
	return nil
}

// expect has the next sign of life come within a time.
func (a *attempt) expect(within time.Duration) {
	a.noting.Lock()
	defer a.noting.Unlock()
	a.due = time.Now().Add(within)
}

func (a *attempt) lateBy(now time.Time) time.Duration {
	a.noting.Lock()
	defer a.noting.Unlock()
	return now.Sub(a.due)
}

type attemptKey struct{}

// attemptOf returns the attempt of ctx, or nil.
func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// store returns the bucket of src, for the attempt of ctx.
func (src *Source) store(ctx context.Context) Store {
	if a := attemptOf(ctx); a != nil {
		return timedStore{src.dest.Store, a}
	}
	return src.dest.Store
}

// A timedStore notes signs of life of its attempt.
type timedStore struct {
	Store
	attempt *attempt
}

// Put implements Store.
func (s timedStore) Put(ctx context.Context, o Object) error {
	if at, ok := ctx.Deadline(); ok {
		s.attempt.expect(time.Until(at) + overtime)
	}
	defer s.attempt.expect(patience)
	return s.Store.Put(ctx, o)
}

// Stat implements Store.
func (s timedStore) Stat(ctx context.Context, key string) (ObjectInfo, bool, error) {
	s.attempt.expect(questionTime)
	defer s.attempt.expect(patience)
	return s.Store.Stat(ctx, key)
}

// List implements Store.
func (s timedStore) List(ctx context.Context, dir, after string, each func(string, ObjectInfo) error) error {
	return s.Store.List(ctx, dir, after, func(key string, i ObjectInfo) error {
		s.attempt.expect(patience)
		return each(key, i)
	})
}

// ListBelow implements Store.
func (s timedStore) ListBelow(ctx context.Context, dir string, each func(string, ObjectInfo) error) error {
	return s.Store.ListBelow(ctx, dir, func(key string, i ObjectInfo) error {
		s.attempt.expect(patience)
		return each(key, i)
	})
}

// Same implements Store.
func (s timedStore) Same(ctx context.Context, key string, body Body, size int64, at time.Time) (bool, error) {
	s.attempt.expect(patience)
	return s.Store.Same(ctx, key, timedBody{body, s.attempt}, size, at)
}

// timed returns a body whose reads are signs of life of the attempt of ctx. It is not for a Put, which
// has a deadline.
func timed(ctx context.Context, body Body) Body {
	if a := attemptOf(ctx); a != nil {
		return timedBody{body, a}
	}
	return body
}

// A timedBody notes each read as a sign of life: hundreds of gigabytes are compared for hours.
type timedBody struct {
	Body
	attempt *attempt
}

// Read implements io.Reader.
func (b timedBody) Read(p []byte) (int, error) {
	defer b.attempt.expect(patience)
	return b.Body.Read(p)
}

// ReadAt implements io.ReaderAt.
func (b timedBody) ReadAt(p []byte, off int64) (int, error) {
	defer b.attempt.expect(patience)
	return b.Body.ReadAt(p, off)
}

// errLoop says that the goroutine of Run does not answer.
var errLoop = errors.New("the uploader's loop does not answer")

// Moving returns nil if the uploader does its work, and else what hangs: the loop, which does not
// answer before ctx ends, or a worker. A bucket or a file system that does not answer is no reason.
// When Run has ended, nothing hangs.
func (u *Uploader) Moving(ctx context.Context) error {
	answered := make(chan struct{})
	if !u.tell(ctx, func(*publish.Schedule, time.Time) { close(answered) }) {
		if ctx.Err() != nil {
			return errLoop
		}
		return nil
	}
	select {
	case <-answered:
		return u.attempts.hung(time.Now())
	case <-ctx.Done():
		return errLoop
	}
}
