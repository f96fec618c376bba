package daemon

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/watcher"
)

// A root is a watched directory and the sections that publish it.
type root struct {
	dir     string
	watcher *watcher.Watcher
	layouts []media.Layout // of the sources
	sources []*uploader.Source
	others  []string      // directories in it, relative to it, that are left to another root
	settled chan struct{} // closed when all that the first scan found was passed on
}

// recordingSettle is how long a recording must be unchanged where nobody can tell whether it has a writer. A
// stream that has no pictures for a while is more likely than gigabytes being uploaded twice is cheap.
const recordingSettle = 30 * time.Second

func (r *root) isManifest(p string) bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool { return l.Kind(p).Role == media.ManifestFile })
}

func (r *root) closesEarly(p string) bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool {
		return l.Format.ClosesEarly() && l.Kind(p).Role == media.ChunkFile
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

func (r *root) isAnothers(p string, dir bool) bool { return dir && slices.Contains(r.others, p) }

func (r *root) holdsRecordings() bool {
	return slices.ContainsFunc(r.layouts, func(l media.Layout) bool { return l.Format == media.Recording })
}

type roots []*root

// get returns the root of dir, which several sections may share, with one more layout.
func (rs *roots) get(dir string, layout media.Layout, watch func(*root) *watcher.Watcher) *root {
	for _, r := range *rs {
		if r.dir == dir {
			r.layouts = append(r.layouts, layout)
			return r
		}
	}
	r := &root{dir: dir, layouts: []media.Layout{layout}, settled: make(chan struct{})}
	r.watcher = watch(r)
	*rs = append(*rs, r)
	return r
}

// divide has roots with recordings in them and others that lie in each other leave each their own: a name alone
// does not tell a recording from a chunk.
func (rs roots) divide() {
	for _, r := range rs {
		for _, o := range rs {
			rel, err := filepath.Rel(r.dir, o.dir)
			if err == nil && filepath.IsLocal(rel) && o != r && r.holdsRecordings() != o.holdsRecordings() {
				r.others = append(r.others, filepath.ToSlash(rel))
			}
		}
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

// rootCheck is how often a root that is not ready is asked whether it exists at all.
const rootCheck = 100 * time.Millisecond

// unansweredAfter is how long the start waits for a file system that says nothing of a root.
const unansweredAfter = 10 * time.Second

// unanswered reports whether it is not known yet whether the root exists.
func (r *root) unanswered() bool {
	state := r.watcher.State()
	return state.Backend == watcher.Auto && !state.Waiting
}

// started calls f when each root is ready, or known to be missing or not to answer: EMS creates its directories with
// the first stream, and a service that counted as not started until then would hold up the boot.
func (rs roots) started(ctx context.Context, f func()) {
	tick := time.NewTicker(rootCheck)
	defer tick.Stop()
	began := time.Now()
	for _, r := range rs {
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return
			case <-r.watcher.Ready():
				waiting = false
			case <-tick.C:
				waiting = !r.watcher.State().Waiting && !(r.unanswered() && time.Since(began) > unansweredAfter)
			}
		}
	}
	f()
}

// state implements admin.State.
type state struct {
	up    *uploader.Uploader
	roots roots
}

func (s *state) Alive(ctx context.Context) bool {
	_, ok := s.up.Figures(ctx)
	return ok
}

func (s *state) NotReady() []string {
	var wrong []string
	for _, r := range s.roots {
		select {
		case <-r.watcher.Ready():
		default:
			if r.unanswered() {
				wrong = append(wrong, r.dir+" is on a file system that does not answer")
			} else if r.watcher.State().Waiting {
				wrong = append(wrong, r.dir+" does not exist yet")
			} else {
				wrong = append(wrong, r.dir+" is being scanned")
			}
		}
	}
	return wrong
}
