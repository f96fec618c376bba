package uploader

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
	"ems-sidecar/uploader/spool"
)

// newSpool returns the spool of src: in the root, or below dir. Each format has one of its own, so that what is in it
// needs no explanation after a restart.
func (src *Source) newSpool(dir string) *spool.Spool {
	var aside func(string, media.Version) string
	if src.bulk() { // no recording takes another's place
		aside = func(p string, v media.Version) string { return otherPath(p, v, 1) }
	}
	return spool.New(spool.Settings{
		Aside:   aside,
		Root:    src.dir,
		Dir:     filepath.Join(spool.Place(src.dir, dir), strings.ToLower(src.layout.Format.String())),
		Log:     src.log,
		Trouble: src.trouble,
		Disk:    &src.disk,
		Found: func(ctx context.Context, p string, v media.Version) {
			if src.exists(p) {
				return // it is there again, and its closing is reported
			}
			src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Kept(src.plan, p, v, now) })
		},
		Returned: func(p string) { src.expecter.Expect(p) },
		Evicted: func(ctx context.Context, p string) {
			src.uploader.tell(ctx, func(s *publish.Schedule, _ time.Time) { s.Evicted(src.plan, p) })
		},
	})
}

// Occupied returns a directory from which another ems-sidecar uploads already, or "". It is for before Run.
func (u *Uploader) Occupied() string {
	for _, src := range u.all() {
		if src.spool.Occupied() {
			return src.dir
		}
	}
	return ""
}

// Restored reports whether all that earlier runs have kept of the root was reported, where that is possible; not before the
// root is there.
func (src *Source) Restored() bool {
	select {
	case <-src.spool.Scanned():
		return true
	default:
		return false
	}
}

// strayWait is how long a spool is taken for one of a source that is still to come, where sources come.
const strayWait = 10 * time.Minute

// warnOfStrays reports spools that still have files that no source uploads.
func (u *Uploader) warnOfStrays(ctx context.Context) {
	if u.settings.Incomplete {
		late := time.NewTimer(strayWait)
		defer late.Stop()
		select {
		case <-late.C:
		case <-ctx.Done():
			return
		}
	}
	var used []string
	for _, src := range u.all() {
		used = append(used, src.spool.Dir)
	}
	told := make(map[string]bool)
	for _, src := range u.all() {
		for _, dir := range spool.Strays(src.dir, u.settings.SpoolDir, used) {
			if !told[dir] {
				told[dir] = true
				u.log.Warn("spool has files that no section uploads: the config has another spool_dir now, or not that section", "spool", dir,
					"next", "they stay there", "hint", "stop the daemon, and run ems-sidecar sync with the former config, which uploads them")
			}
		}
	}
}

// A namedFiles knows the files that are uploaded only because a manifest names them: init segments, keys. One that was closed
// before is reported again when a manifest names it.
type namedFiles map[string]map[string]bool // by the manifest's path

func (n namedFiles) learn(layout media.Layout, manifest string, refs []string) {
	delete(n, manifest)
	for _, p := range refs {
		if layout.Kind(p).Role != media.OtherFile {
			continue
		}
		if n[manifest] == nil {
			n[manifest] = make(map[string]bool)
		}
		n[manifest][p] = true
	}
}

func (n namedFiles) has(p string) bool {
	for _, named := range n {
		if named[p] {
			return true
		}
	}
	return false
}

func (n namedFiles) forget(manifest string) { delete(n, manifest) }

// isKept reports whether the spool has p, in some version: in place of that it has to have the newest, whose upload releases it.
func (src *Source) isKept(ctx context.Context, p string) bool {
	_, kept, _ := src.findKept(ctx, p) // where that is not known, it is kept when it is named
	return kept
}

// findKept returns the version of p that the spool has; that it has none is certain only without an error.
func (src *Source) findKept(ctx context.Context, p string) (v media.Version, kept bool, err error) {
	defer src.disk.End(src.disk.Begin())
	return src.spool.Find(ctx, p)
}

func (src *Source) keep(ctx context.Context, p string, v media.Version) {
	defer src.disk.End(src.disk.Begin())
	src.spool.Keep(ctx, p, v)
}

// openKept opens p, or what the spool has of it if the name is gone.
func (src *Source) openKept(ctx context.Context, p string) (spool.File, error) {
	defer src.disk.End(src.disk.Begin())
	f, err := src.open(p)
	if err == nil {
		return f, nil
	}
	kept, spoolErr := src.spool.Open(ctx, p)
	switch {
	case spoolErr == nil:
		return kept, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case !errors.Is(spoolErr, fs.ErrNotExist):
		return nil, spoolErr // that the name is gone says nothing, then
	}
	if f, err = src.open(p); err != nil { // the root may have come back in between
		return nil, err
	}
	return f, nil
}
