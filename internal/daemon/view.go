package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"ems-sidecar/uploader"
	"ems-sidecar/watcher"
)

// A view is what the sources of a root know of what its watcher sees.
type view struct {
	unseen  []uploader.Unseen
	delay   time.Duration
	sources int // that know it
}

// tell tells the sources what the watcher cannot see, if that is not what they were told last, and
// returns what they know then.
func (r *root) tell(ctx context.Context, told view, sources []*uploader.Source) view {
	now := view{r.unseen(time.Now()), r.delay(), len(sources)}
	if slices.Equal(now.unseen, told.unseen) && now.delay == told.delay && now.sources == told.sources {
		return told
	}
	for _, src := range sources {
		src.Watched(ctx, now.unseen, now.delay)
	}
	return now
}

// unseen returns what cannot be seen of the root, in words.
func (r *root) unseen(now time.Time) (all []uploader.Unseen) {
	if since := r.watcher.SilentSince(now); !since.IsZero() {
		all = append(all, uploader.Unseen{Why: "the file system of " + r.dir + " does not answer", Since: since})
	}
	for _, u := range r.watcher.Unseen() {
		all = append(all, uploader.Unseen{Dir: u.Dir, Since: u.Since, Why: r.unread(u)})
	}
	return all
}

// unread says why a directory of the root cannot be seen, and what helps.
func (r *root) unread(u watcher.Unseen) string {
	err := whyUnseen(u)
	why := fmt.Sprintf("cannot read %s: %v", r.path(u), err)
	if errors.Is(err, fs.ErrPermission) {
		why += ": give the daemon's user the right to read and enter it (chmod o+rx, its group, or an ACL)"
	}
	return why
}

// delay returns how late the watcher may see that a file is closed.
func (r *root) delay() time.Duration {
	if r.watcher.State().Backend != watcher.Poll {
		return 0
	}
	return r.pollInterval + watcher.DefaultSlowSettle
}

// sourcesOf returns the current sources of r.
func (rs *roots) sourcesOf(r *root) []*uploader.Source {
	rs.listing.Lock()
	defer rs.listing.Unlock()
	sources := make([]*uploader.Source, len(r.sources))
	for i, p := range r.sources {
		sources[i] = p.source
	}
	return sources
}
