package daemon

import (
	"context"
	"path/filepath"
	"slices"

	"ems-sidecar/config"
	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
	"ems-sidecar/uploader/s3store"
	"ems-sidecar/watcher"
)

// A section is a section of the config that publishes a format.
type section struct {
	config.Upload
	layout   media.Layout
	dest     *uploader.Destination
	store    *s3store.Store // that of dest
	endpoint string
	roots    map[string]*root // that it publishes, by directory
	found    int              // directories that EMS has named for it
	recorded bool             // its files are recordings
}

func (d *Daemon) newSection(ctx context.Context, u config.Upload) (*section, error) {
	store, err := openStore(ctx, u, d.cfg.Upload, d.log, d.trouble)
	if err != nil {
		return nil, err
	}
	return &section{
		Upload:   u,
		layout:   media.Layout{Format: u.Format, Bootstrap: u.Bootstrap},
		store:    store,
		endpoint: store.Endpoint(),
		roots:    make(map[string]*root),
		recorded: u.Format.IsRecorded(),
		dest: &uploader.Destination{
			Store:                store,
			CacheControlChunk:    u.CacheControlChunk,
			CacheControlManifest: u.CacheControlManifest,
			Destination: publish.Destination{
				Bucket:           u.Bucket,
				Prefix:           u.Prefix,
				ManifestInterval: u.ManifestInterval,
				DeleteLocal:      u.DeleteLocal,
				DeleteLocalAfter: u.DeleteLocalAfter,
				SkipBacklog:      u.Backlog == config.SkipBacklog,
				Delete:           u.Delete == config.Mirror,
				DeleteDelay:      u.DeleteDelay,
			},
		},
	}, nil
}

// asksEMS reports whether the section takes its roots from the media server.
func (s *section) asksEMS() bool { return len(s.WatchDirs) == 0 }

// publishes reports whether the section publishes dir already, alone or as part of another
// directory.
func (s *section) publishes(dir Directory) bool {
	for known, r := range s.roots {
		rel, err := filepath.Rel(known, dir.Path())
		switch {
		case err != nil || !filepath.IsLocal(rel):
		case rel == ".":
			if dir.Group == "" {
				return true
			}
		case r.scope.Load().has(filepath.ToSlash(rel) + "/x"): // any file in it
			return true
		}
	}
	return false
}

// publishFrom has the section publish a scope of dir. It returns fresh, the roots that do not run
// yet, with the root of dir. Sections share such a root.
func (s *section) publishFrom(dir string, of scope, fresh []*root) []*root {
	i := slices.IndexFunc(fresh, func(r *root) bool {
		return r.dir == dir && r.holdsRecordings() == s.recorded && r.scope.Load().kind == of.kind
	})
	if i < 0 {
		i = len(fresh)
		fresh = append(fresh, &root{dir: dir, hints: make(chan string, maxHints), settled: make(chan struct{})})
		fresh[i].scope.Store(&of)
	}
	r := fresh[i]
	for group := range of.groups {
		more := r.scope.Load().with(group)
		r.scope.Store(&more)
	}
	s.found++
	s.roots[dir] = r
	if !slices.Contains(r.sections, s) {
		r.sections = append(r.sections, s)
		r.layouts = append(r.layouts, s.layout)
	}
	return fresh
}

// begin gives roots their watchers and sources.
func (d *Daemon) begin(fresh []*root) {
	for _, r := range fresh {
		r.pollInterval = d.cfg.Watcher.PollInterval
		r.watcher = watcher.New(r.dir, watcher.Options{
			Backend:      d.backend,
			Settle:       d.cfg.Watcher.Settle,
			PollInterval: d.cfg.Watcher.PollInterval,
			SlowSettle:   r.slowSettle(),
			Quick:        r.isManifest,
			ClosesEarly:  r.closesEarly,
			Unfinished:   r.unfinished,
			Ignore:       r.isAnothers,
			Log:          d.log,
			Trouble:      d.trouble,
		})
	}
	d.roots.add(fresh)
	for _, r := range fresh {
		for _, s := range r.sections {
			src := d.up.Source(r.dir, s.layout, s.dest, r.watcher)
			src.Spare = func(p string) bool { return r.isLeft(p) || d.cfg.AsksEMS() && !d.ems.asked.Load() }
			d.roots.give(r, src)
			d.log.Info("publishing", "section", s.Section, "root", r.dir, "bucket", s.Bucket, "prefix", s.Prefix,
				"endpoint", s.endpoint)
		}
	}
}
