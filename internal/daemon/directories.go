package daemon

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/watcher"
)

// Directories returns the watched directories. One that was never readable may have streams that are
// in no list.
func (s *state) Directories() []api.Directory {
	now := time.Now()
	var all []api.Directory
	for _, r := range s.roots.list() {
		d := api.Directory{Directory: r.dir, Ready: s.roots.stuckSince(r, now).IsZero() && isClosed(r.watcher.Ready())}
		if since := r.watcher.SilentSince(now); !since.IsZero() {
			d.Unseen = append(d.Unseen, api.Unseen{Directory: r.dir, Since: moment(since, now), Why: silentFileSystem})
		}
		for _, u := range r.watcher.Unseen() {
			d.Unseen = append(d.Unseen, api.Unseen{Directory: r.path(u), Since: moment(u.Since, now), Why: whyUnseen(u).Error()})
		}
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(a, b api.Directory) int { return cmp.Compare(a.Directory, b.Directory) })
	return all
}

const silentFileSystem = "its file system does not answer"

// path is the directory of u.
func (r *root) path(u watcher.Unseen) string { return filepath.Join(r.dir, filepath.FromSlash(u.Dir)) }

// whyUnseen is why a directory cannot be read, without its name.
func whyUnseen(u watcher.Unseen) error {
	var at *fs.PathError
	if errors.As(u.Err, &at) {
		return at.Err
	}
	return u.Err
}
