package uploader

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
	"ems-sidecar/uploader/spool"
)

// An Expecter is told which files a manifest names that were not reported closed. It answers each
// by a call of Closed or Absent, now or later. It does not block.
type Expecter interface {
	Expect(paths ...string)
}

// A Source is one format below one root, published to one Destination. Its methods report what
// happens below the root, in order and one at a time. Paths are slash-separated and relative to the
// root. The methods block while the uploader handles other reports, and return at once when it has
// ended.
type Source struct {
	uploader *Uploader
	dir      string
	roots    func() media.RootAddresses
	layout   media.Layout
	dest     *Destination
	expecter Expecter
	log      *slog.Logger
	trouble  *trouble.Reporter

	// Spare reports whether a recording must stay on the disk for now, perhaps because it is none.
	// It is set before anything is reported, and is called from any goroutine. Nil spares none.
	Spare func(p string) bool

	reported reported // for the caller of the methods
	runs     runs
	spool    *spool.Spool
	pieces   pieces
	disk     diskCalls

	plan *publish.Source // its part in the schedule; for the goroutine of Uploader.Run
}

// The diskCalls are those of one source.
type diskCalls struct {
	disk.Calls
	read atomic.Int64 // bytes of its files so far
}

// A reported is what is remembered of the files that were reported.
type reported struct {
	bootstraps bootstraps
	named      namedFiles
	pace       pace
	unended    map[string]unended
	series     seriesBook
	last       *publish.Place  // of the file that was closed last
	hostPaths  map[string]bool // manifests of which it was logged that they name paths on this host

	unrewritten map[string]bool // and those of which it was that their addresses cannot be rewritten
}

// Source returns a new source for the files of layout below the root dir. It may be called while
// Run works.
func (u *Uploader) Source(dir string, layout media.Layout, dest *Destination, expecter Expecter) *Source {
	src := &Source{
		uploader: u, dir: dir, layout: layout, dest: dest, expecter: expecter,
		log: u.log.With("root", dir), trouble: u.settings.Trouble.With("root", dir),
		reported: reported{bootstraps: newBootstraps(), named: make(namedFiles), pace: make(pace),
			hostPaths: make(map[string]bool), unrewritten: make(map[string]bool),
			unended: make(map[string]unended), series: newSeriesBook()},
		runs: newRuns(),
	}
	src.roots = sync.OnceValue(func() media.RootAddresses {
		roots, _ := media.NewRootAddresses(dir, dest.PublicURL) // the config has checked them
		return roots
	})
	dest.keepTerms()
	src.spool = src.newSpool(u.settings.SpoolDir)
	u.add(src)
	return src
}

// Closed reports that no process writes the file p, and that it is whole in version v. A manifest
// is read at once.
func (src *Source) Closed(ctx context.Context, p string, v media.Version) {
	switch {
	case src.layout.Kind(p).Role == media.ManifestFile:
		src.manifestClosed(ctx, p)
	case src.pieces.haveFile(p):
		src.keep(ctx, p, v)
	case src.isCutByOther()(p) && !src.reported.named.has(p):
		// its pieces are published instead
	default:
		src.closedFile(ctx, p, v)
	}
}

// Removed reports that the name p is gone from the disk.
func (src *Source) Removed(ctx context.Context, p string) {
	if src.exists(p) {
		return // another file has the name now, and its closing is reported
	}
	src.reported.bootstraps.forget(p)
	src.reported.named.forget(p)
	delete(src.reported.hostPaths, p)
	delete(src.reported.unrewritten, p)
	src.forgetUnfit(p)
	src.runs.forget(p)
	delete(src.reported.pace, p)
	delete(src.reported.unended, p)
	src.reported.series.forget(p)
	reread := src.rereadFor(p)
	p, waits := src.leaves(p)
	if waits {
		src.spool.Gone(p)
		return
	}
	src.spool.Gone(p)
	if src.pieces.haveFile(p) {
		src.removePieces(ctx, p)
		return
	}
	v, kept, away := src.findKept(ctx, p)
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) {
		reread(s, now)
		if kept { // perhaps in a version whose closing was not reported
			s.Kept(src.plan, p, v, now)
			return
		}
		s.Removed(src.plan, p, away != nil, now)
	})
}

// Absent reports that p, which was expected, is not on the disk.
func (src *Source) Absent(ctx context.Context, p string) {
	src.runs.forget(p)
	p, waits := src.leaves(p)
	if waits {
		src.absentFromRun(ctx, p)
		return
	}
	src.absent(ctx, p)
}

// absent reports that the file that is published as p is not on the disk.
func (src *Source) absent(ctx context.Context, p string) {
	if c, known := src.pieces.of(p); known {
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Closed(src.plan, p, c.version, false, nil, now) })
		return
	}
	v, kept, away := src.findKept(ctx, p)
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) {
		if kept {
			s.Kept(src.plan, p, v, now)
			return
		}
		s.Absent(src.plan, p, away != nil, now)
	})
}

// bulk reports whether its files are large. Such files have workers of their own.
func (src *Source) bulk() bool { return src.layout.Format.IsRecorded() }

// open opens p for reading. It opens only regular files below the root.
func (src *Source) open(p string) (*os.File, error) {
	defer src.disk.End(src.disk.Begin())
	root, err := src.openRoot()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return disk.OpenIn(root, p)
}

// openRoot opens the root for each call: a root that was deleted and created again is another
// directory.
func (src *Source) openRoot() (*os.Root, error) {
	root, err := disk.OpenRoot(src.dir)
	if err != nil {
		// %v, as it is the root that does not exist: the file may come back with it.
		return nil, fmt.Errorf("open the root: %v", err)
	}
	return root, nil
}

// remove deletes p from the disk.
func (src *Source) remove(p string) error {
	defer src.disk.End(src.disk.Begin())
	root, err := src.openRoot()
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Remove(p)
}

func (src *Source) exists(p string) bool {
	files := lookup{src: src}
	defer files.close()
	return files.have(p)
}

// A lookup tells which files exist. It opens the root once: a manifest may name 100,000 files, and
// the root's other streams wait meanwhile.
type lookup struct {
	src  *Source
	root *os.Root // nil until it is needed
}

// have reports whether p exists.
func (l *lookup) have(p string) bool {
	defer l.src.disk.End(l.src.disk.Begin())
	if l.root == nil {
		root, err := l.src.openRoot()
		if err != nil {
			return false
		}
		l.root = root
	}
	_, err := l.root.Lstat(p)
	return err == nil
}

func (l *lookup) close() {
	if l.root != nil {
		_ = l.root.Close() // it was only read
	}
}

// versions returns the versions that the paths have on the disk now; the zero Version for one that
// is no regular file.
func (src *Source) versions(paths []string) []media.Version {
	defer src.disk.End(src.disk.Begin())
	found := make([]media.Version, len(paths))
	root, err := src.openRoot()
	if err != nil {
		return found
	}
	defer root.Close()
	for i, p := range paths {
		if fi, err := root.Lstat(p); err == nil && fi.Mode().IsRegular() {
			found[i] = media.VersionOf(fi)
		}
	}
	return found
}
