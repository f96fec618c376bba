package daemon

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/watcher"
)

// A root is a watched directory and the sections that publish it. One with recordings and one with live streams may be the
// same directory.
type root struct {
	dir      string
	scope    atomic.Pointer[scope] // what of it is published; it grows
	watcher  *watcher.Watcher
	sections []*section
	layouts  []media.Layout // of the sections
	sources  []*uploader.Source
	hints    chan string             // files that events name, relative to dir
	settled  chan struct{}           // closed when all that the first scan found was passed on
	others   atomic.Pointer[[]share] // what is left to another root
}

// A share is a directory in a root that is left to another one.
type share struct {
	rel   string // to the root, slash-separated
	scope scope  // of it
	flat  bool   // only the recordings in it itself: it may be a group's, with playlists in it
	subs  bool   // only the directories in it
}

// has reports whether p is left to the other root.
func (s share) has(p string) bool {
	rest, in := strings.CutPrefix(p, s.rel+"/")
	direct := path.Dir(p) == s.rel
	switch {
	case s.flat:
		return direct && media.Layout{Format: media.Recording}.Kind(p).Role == media.ChunkFile
	case s.subs:
		return (in || s.rel == ".") && !direct
	case s.rel == ".":
		return s.scope.has(p)
	}
	return in && s.scope.has(rest)
}

// recordingSettle is how long a recording must be unchanged where no one can tell whether it has a writer. A
// stream that has no pictures for a while is more likely than gigabytes being uploaded twice is cheap.
const recordingSettle = 30 * time.Second

func (r *root) isManifest(p string) bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool { return l.Kind(p).Role == media.ManifestFile })
}

func (r *root) closesEarly(p string) bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool {
		return l.Traits().ClosesEarly && l.Kind(p).Role == media.ChunkFile
	})
}

func (r *root) unfinished(p string) (names []string) {
	for _, l := range r.layouts {
		names = append(names, l.Unfinished(p)...)
	}
	return names
}

func (r *root) slowSettle() time.Duration {
	if r.holdsRecordings() {
		return recordingSettle
	}
	return watcher.DefaultSlowSettle
}

func (r *root) isAnothers(p string, dir bool) bool {
	if dir {
		p += "/x" // no recording
	}
	return r.isLeft(p)
}

// isLeft reports whether the file p is left to another root, perhaps since it was watched, or alone.
func (r *root) isLeft(p string) bool {
	return !r.scope.Load().has(p) || slices.ContainsFunc(*r.others.Load(), func(s share) bool { return s.has(p) })
}

// shares reports whether a section that asks EMS publishes both, of which the inner one was found first.
func (r *root) shares(o *root) bool {
	return slices.ContainsFunc(r.sections, func(s *section) bool { return s.asksEMS() && slices.Contains(o.sections, s) })
}

// isFound reports whether only the media server says that it is one.
func (r *root) isFound() bool {
	return !slices.ContainsFunc(r.sections, func(s *section) bool { return !s.asksEMS() })
}

func (r *root) holdsRecordings() bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool { return l.Format.IsRecorded() })
}

// roots are all that there are. Others may come.
type roots struct {
	listing sync.Mutex
	all     []*root
}

// list returns the roots that there are now.
func (rs *roots) list() []*root {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	return slices.Clone(rs.all)
}

// add takes in roots. Roots with recordings in them and others that lie in each other leave each their own, since a name alone
// does not tell a recording from a chunk; so do those of one section, since a file has one key.
func (rs *roots) add(fresh []*root) {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	rs.all = append(rs.all, fresh...)
	rs.share()
}

// widen adds a group to what is published of r.
func (rs *roots) widen(r *root, group string) {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	more := r.scope.Load().with(group)
	r.scope.Store(&more)
	rs.share()
}

// share says what each root leaves to others. listing is held.
func (rs *roots) share() {
	for _, r := range rs.all {
		var others []share
		for _, o := range rs.all {
			rel, err := filepath.Rel(r.dir, o.dir)
			if err != nil || !filepath.IsLocal(rel) || o == r || r.holdsRecordings() == o.holdsRecordings() && (rel == "." || !r.shares(o)) {
				continue
			}
			s := share{rel: filepath.ToSlash(rel), scope: *o.scope.Load(), flat: o.scope.Load().kind == flat}
			if rel == "." { // live streams have directories of their own, so that what lies in it itself are recordings
				s.flat, s.subs = o.holdsRecordings(), r.holdsRecordings()
			}
			others = append(others, s)
		}
		r.others.Store(&others)
	}
}

// run passes on what the watcher sees until ctx ends.
func (r *root) run(ctx context.Context) error {
	events := make(chan watcher.Event)
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return r.watcher.Run(ctx, events) })
	parts.Go(func() error {
		settled := r.watcher.Settled()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-settled:
				settled = nil
				close(r.settled)
			case e := <-events:
				if e.Op == watcher.Closed && r.isLeft(e.Path) {
					continue
				}
				for _, s := range r.sources {
					switch e.Op {
					case watcher.Closed:
						s.Closed(ctx, e.Path, e.Version)
					case watcher.Removed:
						s.Removed(ctx, e.Path)
					case watcher.Absent:
						s.Absent(ctx, e.Path)
					}
				}
			}
		}
	})
	return parts.Wait()
}

// give adds a source of r, which is listed already.
func (rs *roots) give(r *root, s *uploader.Source) {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	r.sources = append(r.sources, s)
}

// stuckSince returns since when a call to the file system of r has not returned, or the zero time.
func (rs *roots) stuckSince(r *root, now time.Time) time.Time {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	at := r.watcher.StuckSince(now)
	for _, s := range r.sources {
		if since := s.StuckSince(now); at.IsZero() || !since.IsZero() && since.Before(at) {
			at = since
		}
	}
	return at
}

// stuckCheck is how often it is looked whether the watcher waits for a file system.
const stuckCheck = time.Second

// reportStuck logs when nothing is seen of the root any more, until ctx ends: the watcher itself waits then.
func (r *root) reportStuck(ctx context.Context, reporter *trouble.Reporter) {
	tick := time.NewTicker(stuckCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		at := trouble.At{Subject: r.dir}
		if since := r.watcher.StuckSince(time.Now()); !since.IsZero() {
			reporter.Begin(rootStuck, at, "root", r.dir, "since", since.UTC().Format(time.RFC3339),
				"next", "what is written there is seen when it does; other directories go on",
				"hint", "is the server of a mount in it away?")
		} else {
			reporter.End(rootStuck, at, "root", r.dir)
		}
	}
}

// rootCheck is how often a root that is not ready is asked whether it exists at all.
const rootCheck = 100 * time.Millisecond

// startLimit is how long the start waits for the first scan. Our unit is started before the media server's, which
// waits for it: a directory with very many files, or a file system that does not answer, must not hold that up.
const startLimit = 10 * time.Second

// unanswered reports whether it is not known yet whether the root exists.
func (r *root) unanswered() bool {
	state := r.watcher.State()
	return state.Backend == watcher.Auto && !state.Waiting
}

// started returns when each root is ready, or known to be missing, and at the latest after startLimit: EMS creates its
// directories with the first stream, and a service that counted as not started until then would hold up the boot. It
// returns the roots that are not ready then, or false if ctx ended.
func (rs *roots) started(ctx context.Context) (late []string, ok bool) {
	tick := time.NewTicker(rootCheck)
	defer tick.Stop()
	began := time.Now()
	for _, r := range rs.list() {
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return nil, false
			case <-r.watcher.Ready():
				waiting = false
			case <-tick.C:
				missing, tooLong := r.watcher.State().Waiting, time.Since(began) >= startLimit
				waiting = !missing && !tooLong
				if !missing && tooLong {
					late = append(late, r.dir)
				}
			}
		}
	}
	return late, true
}
