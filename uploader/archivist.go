package uploader

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"ems-sidecar/internal/backoff"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader/archive"
	"ems-sidecar/uploader/publish"
)

// An archivist keeps the archives of all streams in the bucket, and their DVR playlists. Package
// archive decides what is in them. It is told what was published, and has requests of its own, apart
// from the workers: an archive never delays a live stream.
type archivist struct {
	up   *Uploader
	news chan struct{} // has an item when something was told
	ends chan struct{} // closed when nothing more is told
	left chan struct{} // closed when run has returned

	telling sync.Mutex // guards told
	told    []func()   // for its goroutine

	// What follows is for its goroutine.
	streams  map[streamPlace]*archivedStream
	order    []*archivedStream
	next     int         // in order: whose turn is next
	results  chan func() // of requests
	inFlight int
	failing  int // of those in flight: of streams whose last request failed
	flush    bool
}

// A streamPlace is the directory of a stream.
type streamPlace struct {
	src *Source
	dir string
}

// archiveFailed is reported of a stream whose archive cannot be read or written. The subject is what of
// it.
var archiveFailed = trouble.Failure{
	Kind: "archive_failed", Level: slog.LevelWarn,
	Message: "archive cannot be kept",
}

const (
	archiveRetry    = time.Second
	archiveRetryCap = time.Minute
)

func newArchivist(u *Uploader) *archivist {
	return &archivist{up: u, news: make(chan struct{}, 1), ends: make(chan struct{}), left: make(chan struct{}),
		streams: make(map[streamPlace]*archivedStream), results: make(chan func(), maxArchiving)}
}

// listed tells that a playlist was published. It does not block.
func (a *archivist) listed(l publish.Listed) {
	a.tell(func() { a.add(l, time.Now()) })
}

// tell has do called by the goroutine of run.
func (a *archivist) tell(do func()) {
	a.telling.Lock()
	a.told = append(a.told, do)
	a.telling.Unlock()
	select {
	case a.news <- struct{}{}:
	default:
	}
}

// run works until ctx ends, or, after finish, until everything is in the bucket.
func (a *archivist) run(ctx context.Context) {
	defer close(a.left)
	ends := a.ends
	for {
		now := time.Now()
		idle, at := a.startJobs(ctx, now)
		if a.flush && idle && at.IsZero() {
			return
		}
		select {
		case <-a.news:
			a.hear()
		case done := <-a.results:
			done()
		case <-timeTo(at, now):
		case <-ends:
			ends = nil
			a.hear()
			a.flushAll()
		case <-ctx.Done():
			for a.inFlight > 0 {
				(<-a.results)()
			}
			return
		}
	}
}

func (a *archivist) hear() {
	a.telling.Lock()
	told := a.told
	a.told = nil
	a.telling.Unlock()
	for _, do := range told {
		do()
	}
}

// finish has all that was told put into the bucket, and waits for that, but not for longer than late.
func (a *archivist) finish(late <-chan time.Time) {
	close(a.ends)
	select {
	case <-a.left:
	case <-late:
		a.up.log.Warn("archives are not complete", "next", "the next start completes them")
	}
}

func (a *archivist) flushAll() {
	a.flush = true
	for _, st := range a.order {
		st.flush()
	}
}

// add applies that a playlist was published.
func (a *archivist) add(l publish.Listed, now time.Time) {
	src := a.up.sourceOf(l.Source)
	place := streamPlace{src, src.layout.Stream(l.Path)}
	st := a.streams[place]
	if st == nil {
		st = &archivedStream{streamPlace: place, path: l.Path}
		a.streams[place] = st
		a.order = append(a.order, st)
	}
	st.add(l, now)
	if a.flush {
		st.flush()
	}
}

// startJobs starts what is due. idle: nothing is in flight. at is when something is due by itself, or
// zero.
func (a *archivist) startJobs(ctx context.Context, now time.Time) (idle bool, at time.Time) {
	for range a.order {
		if a.inFlight >= maxArchiving || ctx.Err() != nil {
			break
		}
		a.next %= len(a.order)
		st := a.order[a.next]
		a.next++
		for _, j := range st.jobs(now) {
			switch {
			case j.do == nil, j.at.After(now):
				at = earlierOf(at, j.at)
			case a.inFlight < maxArchiving && (j.of.failures == 0 || a.failing < maxArchiving/2):
				a.start(ctx, st, j)
			}
		}
	}
	a.forget(now)
	return a.inFlight == 0, at
}

// forget drops the streams of which nothing is left to do.
func (a *archivist) forget(now time.Time) {
	kept := a.order[:0]
	for _, st := range a.order {
		if st.isDone(now) {
			delete(a.streams, st.streamPlace)
			continue
		}
		kept = append(kept, st)
	}
	clear(a.order[len(kept):])
	a.order = kept
}

// An archiveJob is one thing to be done for a stream.
type archiveJob struct {
	of *archiveLane
	at time.Time // when
	// begin is called by the archivist's goroutine first, and fail if do returns an error. Both may be
	// nil.
	begin, fail func()
	// do makes its requests, and returns what then is to be done by the archivist's goroutine.
	do func(ctx context.Context) (done func(), err error)
}

// An archiveLane has one job at a time.
type archiveLane struct {
	what     string // it is for, for the log
	busy     bool
	failures int // in a row
	retryAt  time.Time
}

func (a *archivist) start(ctx context.Context, st *archivedStream, j archiveJob) {
	l := j.of
	failed := l.failures > 0
	l.busy = true
	if j.begin != nil {
		j.begin()
	}
	a.inFlight++
	if failed {
		a.failing++
	}
	a.up.workers.Go(func() {
		done, err := j.do(ctx)
		a.results <- func() {
			l.busy = false
			a.inFlight--
			if failed {
				a.failing--
			}
			if err != nil && j.fail != nil {
				j.fail()
			}
			switch {
			case err == nil:
				l.failures, l.retryAt = 0, time.Time{}
				done()
			case ctx.Err() == nil:
				a.failed(st, l, err, time.Now())
			}
		}
	})
}

func (a *archivist) failed(st *archivedStream, l *archiveLane, err error, now time.Time) {
	l.failures++
	wait := backoff.Jitter(rand.N[time.Duration]).After(l.failures, archiveRetry, archiveRetryCap)
	if f := failureOf(err); f == publish.Refused || f == publish.BucketRefused {
		wait = publish.RefusedProbe
	}
	l.retryAt = now.Add(wait)
	st.src.trouble.Report(archiveFailed, trouble.At{Stream: st.dir, Subject: l.what}, "what", l.what, "err", err,
		"attempt", l.failures, "next", "tried again; what is published meanwhile is kept in memory",
		"retry_in", wait.Round(time.Millisecond))
}

// lists returns what is in memory of a stream: hours, and, without a name, what waits to be added to
// them. It returns nothing once run has ended.
func (a *archivist) lists(ctx context.Context, place streamPlace) []archive.Listed {
	answer := make(chan []archive.Listed, 1)
	a.tell(func() {
		var lists []archive.Listed
		st := a.streams[place]
		if st != nil && st.broadcast != nil {
			lists = st.broadcast.Listed()
		}
		if st != nil && !st.held.IsEmpty() {
			v := st.held.Version()
			lists = append(lists, archive.Listed{List: v.Dated()})
		}
		answer <- lists
	})
	select {
	case lists := <-answer:
		return lists
	case <-a.left:
	case <-ctx.Done():
	}
	return nil
}

func earlierOf(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
