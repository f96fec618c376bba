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

// newSpool returns the spool of src: in the root, or below dir if that is not "". Each format has
// its own, so that after a restart the files in it need no further record.
func (src *Source) newSpool(dir string) *spool.Spool {
	var aside func(string, media.Version) string
	if src.bulk() { // no recording replaces another
		aside = func(p string, v media.Version) string { return otherPath(p, v, 1) }
	}
	return spool.New(spool.Settings{
		Aside:   aside,
		Root:    src.dir,
		Dir:     filepath.Join(spool.Place(src.dir, dir), strings.ToLower(src.layout.Format.String())),
		Named:   func(p string) string { name, _ := src.layout.CutRun(p); return name },
		Fresh:   src.layout.Format == media.HLS && src.layout.RunPrefix,
		Log:     src.log,
		Trouble: src.trouble,
		Disk:    &src.disk.Calls,
		Found: func(ctx context.Context, p string, v media.Version) {
			if src.has(p) || src.pieces.haveFile(p) {
				return // it exists again, and its closing is reported
			}
			if _, run := src.layout.CutRun(p); run == "" && src.layout.Format == media.HLS && src.layout.InRuns(p) {
				src.absentFromRun(ctx, p)
				return
			}
			src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Kept(src.plan, p, v, now) })
		},
		Returned: func(p string) { src.expecter.Expect(p) },
		Evicted: func(ctx context.Context, p string) {
			src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Evicted(src.plan, p, now) })
		},
	})
}

// Occupied returns a directory from which another ems-sidecar uploads already, or "". It must be
// called before Run.
func (u *Uploader) Occupied() string {
	for _, src := range u.all() {
		if src.spool.Occupied() {
			return src.dir
		}
	}
	return ""
}

// Restored reports whether all that earlier runs have kept of the root was reported, or nothing can
// be kept. It is false until the root exists.
func (src *Source) Restored() bool {
	select {
	case <-src.spool.Scanned():
		return true
	default:
		return false
	}
}

// strayWait is how long a spool may belong to a source that is not known yet, if sources are still
// to come.
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
				u.log.Warn("spool has files that no section uploads: the config has another spool_dir now, or not that section",
					"spool", dir,
					"next", "they stay there", "hint", "stop the daemon, and run ems-sidecar sync with the former config, which "+
						"uploads them")
			}
		}
	}
}

// namedFiles are the files that are uploaded only because a manifest names them: init segments,
// keys, and files of which another section publishes pieces. If one was closed before, it is reported
// again when a manifest names it.
type namedFiles map[string]map[string]bool // by the manifest's path

func (n namedFiles) learn(layout media.Layout, manifest string, refs []string, isCut func(p string) bool) {
	delete(n, manifest)
	for _, p := range refs {
		if layout.Kind(p).Role != media.OtherFile && !isCut(p) {
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

// isKept reports whether the spool has any version of p. Then it must have the newest one, whose
// upload releases it.
func (src *Source) isKept(ctx context.Context, p string) bool {
	_, kept, _ := src.findKept(ctx, p) // if that is not known, p is kept when a manifest names it
	return kept
}

// findKept returns the version of p that the spool has, if any. With an error, it is not known
// whether it has one.
func (src *Source) findKept(ctx context.Context, p string) (v media.Version, kept bool, err error) {
	defer src.disk.End(src.disk.Begin())
	v, kept, err = src.spool.Find(ctx, p)
	if name, run := src.layout.CutRun(p); kept && run != "" && src.runs.lists.isOther(name, run, v) {
		src.spool.Release(p, v) // the file was written again in place
		return media.Version{}, false, err
	}
	return v, kept, err
}

// keep has the spool keep p, and reports whether it began to.
func (src *Source) keep(ctx context.Context, p string, v media.Version) bool {
	defer src.disk.End(src.disk.Begin())
	return src.spool.Keep(ctx, p, v)
}

// openKept opens the file that is published as p, or what the spool keeps of it if the name is gone.
// The name may be another run's: the caller compares the version.
func (src *Source) openKept(ctx context.Context, p string) (spool.File, error) {
	if c, known := src.pieces.of(p); known {
		return src.openPiece(ctx, c)
	}
	return src.openFile(ctx, p)
}

// openFile opens p itself, which is no piece.
func (src *Source) openFile(ctx context.Context, p string) (spool.File, error) {
	defer src.disk.End(src.disk.Begin())
	name, holds := src.onDisk(p)
	if !holds {
		if kept, err := src.spool.Open(ctx, p); !errors.Is(err, fs.ErrNotExist) {
			return kept, err
		}
	}
	f, err := src.open(name)
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
		return nil, spoolErr // it is not known whether p was deleted
	}
	if f, err = src.open(name); err != nil { // the root may have come back in between
		return nil, err
	}
	return f, nil
}
