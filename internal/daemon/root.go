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
	"ems-sidecar/watcher"
)

// A root is a watched directory with the sections that publish it. Two roots may be the same
// directory: one with recordings, and one with live streams.
type root struct {
	dir          string
	scope        atomic.Pointer[scope] // what of it is published; it grows
	watcher      *watcher.Watcher
	trouble      *trouble.Reporter // of the directory while it is watched
	pollInterval time.Duration     // of watcher
	sections     []*section
	layouts      []media.Layout          // of the sections
	sources      []*place                // guarded by roots.listing: see placesOf
	hints        chan string             // files that events name, relative to dir
	settled      chan struct{}           // closed when everything that the first scan found was passed on
	others       atomic.Pointer[[]share] // what other roots publish of it
	quit         chan struct{}           // closed when it is not published any more
	ended        chan struct{}           // closed when nothing of it runs any more
}

// A share is a directory in a root whose files another root publishes.
type share struct {
	rel   string // to the root, slash-separated
	scope scope  // of it
	flat  bool   // only the recordings directly in it: a group may have playlists there
	subs  bool   // only what is in its directories
}

// has reports whether the other root publishes p.
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

// recordingSettle is how long a recording must be unchanged if the kernel does not tell whether it
// has a writer. Streams often pause, and uploading gigabytes twice is expensive.
const recordingSettle = 30 * time.Second

func (r *root) isManifest(p string) bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool { return l.Kind(p).Role == media.ManifestFile })
}

func (r *root) closesEarly(p string) bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool { return l.ClosesEarly(p) })
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

// isLeft reports whether r does not publish the file p: another root does, or none. That may change
// after r was watched.
func (r *root) isLeft(p string) bool {
	return !r.scope.Load().has(p) || slices.ContainsFunc(*r.others.Load(), func(s share) bool { return s.has(p) })
}

// shares reports whether one section that asks EMS publishes both r and o. Then EMS named the inner
// one first.
func (r *root) shares(o *root) bool {
	return slices.ContainsFunc(r.sections, func(s *section) bool { return s.asksEMS() && slices.Contains(o.sections, s) })
}

// isFound reports whether only the media server names r: no section has it as watch_dir.
func (r *root) isFound() bool {
	return !slices.ContainsFunc(r.sections, func(s *section) bool { return !s.asksEMS() })
}

func (r *root) holdsRecordings() bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool { return l.Format.IsRecorded() })
}

// roots are all roots. Their number grows.
type roots struct {
	listing sync.Mutex
	all     []*root
}

// list returns the current roots.
func (rs *roots) list() []*root {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	return slices.Clone(rs.all)
}

// add adds roots. If a root with recordings and one with live streams lie in each other, each
// publishes its own directories only, because a name alone does not tell a recording from a chunk.
// The same applies to two roots of one section, because a file has one key.
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

// share finds out what each root leaves to others. The caller holds listing.
func (rs *roots) share() {
	for _, r := range rs.all {
		var others []share
		for _, o := range rs.all {
			rel, err := filepath.Rel(r.dir, o.dir)
			if err != nil || !filepath.IsLocal(rel) || o == r || r.holdsRecordings() == o.holdsRecordings() &&
				(rel == "." || !r.shares(o)) {
				continue
			}
			s := share{rel: filepath.ToSlash(rel), scope: *o.scope.Load(), flat: o.scope.Load().kind == flat}
			if rel == "." { // files directly in it are recordings: live streams have their own directories
				s.flat, s.subs = o.holdsRecordings(), r.holdsRecordings()
			}
			others = append(others, s)
		}
		r.others.Store(&others)
	}
}

// run passes the watcher's events to the sources until ctx ends.
func (r *root) run(ctx context.Context, sources func() []*place) error {
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
				for _, p := range sources() {
					p.report(ctx, e)
				}
			}
		}
	})
	return parts.Wait()
}

// give adds a source to r, which is in the list already.
func (rs *roots) give(r *root, p *place) {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	r.sources = append(slices.Clip(r.sources), p)
}

// placesOf returns the places of the sources that are told what happens in r.
func (rs *roots) placesOf(r *root) []*place {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	return r.sources
}

// take takes a source from r. A root without sources is not published any more.
func (rs *roots) take(r *root, p *place) {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	r.sources = slices.DeleteFunc(slices.Clone(r.sources), func(o *place) bool { return o == p })
	if len(r.sources) == 0 {
		rs.all = slices.DeleteFunc(slices.Clone(rs.all), func(o *root) bool { return o == r })
		rs.share()
		close(r.quit)
	}
}

// stuckSince returns when the oldest call to the file system of r began that has not returned, or
// the zero time.
func (rs *roots) stuckSince(r *root, now time.Time) time.Time {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	at := r.watcher.StuckSince(now)
	for _, p := range r.sources {
		if since := p.source.StuckSince(now); at.IsZero() || !since.IsZero() && since.Before(at) {
			at = since
		}
	}
	return at
}

// stuckCheck is how often reportStuck looks whether the watcher waits for a file system.
const stuckCheck = time.Second

// reportStuck logs when the watcher waits for the file system, and sees nothing, until ctx ends. It
// tells the sources what the watcher cannot see.
func (r *root) reportStuck(ctx context.Context, all *roots) {
	tick := time.NewTicker(stuckCheck)
	defer tick.Stop()
	var told view
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		told = r.tell(ctx, told, all.sourcesOf(r))
		at := trouble.At{Subject: r.dir}
		if since := r.watcher.StuckSince(time.Now()); !since.IsZero() {
			r.trouble.Begin(rootStuck, at, "root", r.dir, "since", since.UTC().Format(time.RFC3339),
				"next", "what is written there is seen when it does; other directories go on",
				"hint", "check the servers of the file systems that are mounted there")
		} else {
			r.trouble.End(rootStuck, at, "root", r.dir)
		}
	}
}

const rootCheck = 100 * time.Millisecond // how often the start asks whether a root exists

// startLimit is how long the start waits for the first scan. The media server's unit waits for
// ours: a directory with very many files, or a file system that does not answer, must not delay it.
const startLimit = 10 * time.Second

// unanswered reports whether the file system has not told yet whether the root exists.
func (r *root) unanswered() bool {
	state := r.watcher.State()
	return state.Backend == watcher.Auto && !state.Waiting
}

// started returns when each root is ready or known to be missing, after startLimit at the latest.
// It does not wait for missing roots, because EMS creates its directories with the first stream,
// and that would delay the boot. It returns the roots that are not ready then, or false if ctx
// ended.
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
