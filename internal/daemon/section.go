package daemon

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"

	"ems-sidecar/config"
	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/publish"
	"ems-sidecar/watcher"
)

// A section is a section of the config that publishes a format.
type section struct {
	config.Upload
	layout   media.Layout
	dest     *uploader.Destination
	store    *currentStore // that of dest
	opened   []any         // with what store was: see storeOf; a reload changes it
	endpoint string
	recorded bool // its files are recordings

	now atomic.Pointer[config.Upload] // as Upload, but with what a reload has changed; nil: it is off

	// Once the daemon runs, Daemon.naming guards what follows.
	roots  map[string]*root  // that it publishes, by directory
	places map[string]*place // of its sources, also of those that are retired, by directory
	found  int               // directories that EMS has named for it
}

func (d *Daemon) newSection(ctx context.Context, u config.Upload, pool config.Pool) (*section, error) {
	opened, err := openStore(ctx, u, pool, d.log, d.trouble)
	if err != nil {
		return nil, fmt.Errorf("[%s]: %w", u.Section, err)
	}
	store := newCurrentStore(opened)
	s := &section{
		Upload: u,
		layout: media.Layout{Format: u.Format, Bootstrap: u.Bootstrap, Include: u.Include, Writer: writers[u.Writer],
			RunPrefix: u.RunPrefix && u.Format == media.HLS},
		store:    store,
		opened:   storeOf(u, pool),
		endpoint: opened.Endpoint(),
		roots:    make(map[string]*root),
		places:   make(map[string]*place),
		recorded: u.Format.IsRecorded(),
		dest: &uploader.Destination{
			Store:                store,
			CacheControlChunk:    u.CacheControlChunk,
			CacheControlManifest: u.CacheControlManifest,
			PublicURL:            u.PublicURL,
			RewriteURLs:          u.RewriteURLs,
			Destination:          destination(u),
		},
	}
	s.now.Store(&u)
	return s, nil
}

// destination returns where and how a section publishes.
func destination(u config.Upload) publish.Destination {
	return publish.Destination{
		Section:          u.Section,
		ID:               u.ID(),
		Endpoint:         u.Endpoint,
		Bucket:           u.Bucket,
		Prefix:           u.Prefix,
		ManifestInterval: u.ManifestInterval,
		DeleteLocal:      u.DeleteLocal,
		DeleteLocalAfter: u.DeleteLocalAfter,
		SkipBacklog:      u.Backlog == config.SkipBacklog,
		Delete:           u.Delete == config.Mirror,
		DeleteDelay:      u.DeleteDelay,
		ReconnectWindow:  u.ReconnectWindow,
		Archive:          u.Archive,
		ArchiveKeep:      u.ArchiveKeep,
		DVR:              u.DVR,
		StaleAfter:       u.StaleAfter,
		WhenStale:        whenStale[u.WhenStale],
		RemoveAbsent:     u.AbsentVariants == config.RemoveAbsent,
		SplitRanges:      u.SplitRanges,
	}
}

var writers = map[config.Writer]media.WriterName{
	config.AutoWriter: media.NamesTell, config.EMSWriter: media.EMSWrites, config.GenericWriter: media.AnyWrites,
}

var whenStale = map[config.WhenStale]publish.StaleAction{
	config.EndStale: publish.EndStale, config.RemoveStale: publish.RemoveStale,
}

// name returns what the section is called in the config, in which a reload may have another name for
// it.
func (s *section) name() string {
	if u := s.now.Load(); u != nil {
		return u.Section
	}
	return s.Section
}

// isOn reports whether the config has the section.
func (s *section) isOn() bool { return s.now.Load() != nil }

// asksEMS reports whether the section takes its roots from the media server. A reload does not
// change that.
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
		fresh = append(fresh, &root{dir: dir, hints: make(chan string, maxHints), settled: make(chan struct{}),
			quit: make(chan struct{}), ended: make(chan struct{})})
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
		r.trouble = d.trouble.Part()
		r.pollInterval = d.config().Watcher.PollInterval
		r.watcher = watcher.New(r.dir, watcher.Options{
			Backend:      d.backend,
			Settle:       d.config().Watcher.Settle,
			PollInterval: d.config().Watcher.PollInterval,
			SlowSettle:   r.slowSettle(),
			Quick:        r.isManifest,
			ClosesEarly:  r.closesEarly,
			Unfinished:   r.unfinished,
			Ignore:       r.isAnothers,
			Log:          d.log,
			Trouble:      r.trouble,
		})
	}
	d.roots.add(fresh)
	for _, r := range fresh {
		for _, s := range r.sections {
			d.roots.give(r, d.placeOf(s, r))
			d.log.Info("publishing", "section", s.name(), "root", r.dir, "bucket", s.Bucket, "prefix", s.Prefix,
				"endpoint", s.endpoint)
		}
	}
}
