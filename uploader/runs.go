package uploader

import (
	"context"
	"slices"
	"sync"
	"time"

	"ems-sidecar/dash"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// Where names return with other content, and a manifest dates the run that it is of, the files of a
// run are published in a directory with its name ([media.RunName]). So nothing is ever replaced, and
// what is listed of former runs stays. From here on to the bucket, a file is known by the path under
// which it is published. Only this file knows where that is on the disk.
//
// Which run a file is of follows from when it was written: EMS writes the manifest of a run before
// all else of it. A restart of the daemon finds the same names.

// A runs is which run the streams of a Source are in.
type runs struct {
	mu sync.RWMutex   // guards of
	of map[string]run // by the directory of the stream

	// For the caller of the Source's methods.
	looked    map[string]media.Version // manifests on the disk, of which it is known that they are of the present run
	postponed map[string]time.Time     // since when it is to be found out of which run a file is

	lists listRuns // of HLS
}

// A run is the present run of a stream.
type run struct {
	name     string    // "": its files are published as they are called on the disk
	began    time.Time // by the manifest, in whole seconds
	first    time.Time // when the manifest was written that was its first; zero: that was not seen
	manifest string    // which told
	before   *string   // the name of the run before; nil: it is not known
}

func newRuns() runs {
	return runs{of: make(map[string]run), looked: make(map[string]media.Version), postponed: make(map[string]time.Time),
		lists: newListRuns()}
}

func (r *runs) present(stream string) (run, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	is, ok := r.of[stream]
	return is, ok
}

// forget forgets what is remembered of the file p of the disk, which is gone.
func (r *runs) forget(p string) {
	delete(r.looked, p)
	delete(r.postponed, p)
}

func (r *runs) set(stream string, is run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[stream] = is
}

// namesRuns reports whether the files of runs get names of their own.
func (src *Source) namesRuns() bool {
	return src.layout.Format == media.DASH && src.dest.terms().window > 0
}

// published returns the path under which the file p of the disk is published, if it is of the present
// run.
func (src *Source) published(p string) string {
	if !src.layout.DatesRuns(p) {
		return p
	}
	is, _ := src.runs.present(src.layout.Stream(p))
	return media.InRun(p, is.name)
}

// leaves applies that the name p is gone from the disk, and returns the path under which it was published.
// waits: it was not yet.
func (src *Source) leaves(p string) (published string, waits bool) {
	if src.layout.Format == media.HLS && src.layout.InRuns(p) {
		return src.runs.lists.removed(p)
	}
	return src.published(p), false
}

// onDisk returns what the file is called on the disk that is published as p. holds: if the disk has the
// name, it is that file, and not one of another run.
func (src *Source) onDisk(p string) (name string, holds bool) {
	name, of := src.layout.CutRun(p)
	switch {
	case src.layout.Format == media.HLS && of != "":
		return name, src.runs.lists.holds(name, of)
	case !src.layout.DatesRuns(name):
		return name, true
	}
	is, _ := src.runs.present(src.layout.Stream(p))
	return name, is.name == of
}

// has reports whether the file is on the disk that is published as p.
func (src *Source) has(p string) bool {
	name, holds := src.onDisk(p)
	return holds && src.exists(name)
}

// An overRun is a run of a stream that is over.
type overRun struct{ stream, name string }

// learnRuns learns from the manifest p, which names refs, which runs its streams are in, and returns
// those that are over.
func (src *Source) learnRuns(p string, r *publish.Reading) (over []overRun) {
	if src.layout.Format != media.DASH {
		return nil
	}
	if found := src.versions([]string{p})[0]; found.ModTime.Equal(r.ModTime) {
		src.runs.looked[p] = found
	}
	is := src.runToldBy(p, r)
	if is.name != "" && slices.ContainsFunc(r.References, src.layout.DatesRuns) {
		r.OnDisk = nil // under the name of a run, nothing comes back with other content
	}
	if len(src.runs.of) > maxRuns {
		src.forgetRuns()
	}
	var known []string
	for _, ref := range r.References {
		stream := src.layout.Stream(ref)
		if !src.layout.DatesRuns(ref) || slices.Contains(known, stream) {
			continue
		}
		known = append(known, stream)
		if was, ended := src.runs.enter(stream, is); ended {
			over = append(over, overRun{stream, was})
		}
	}
	return over
}

// runToldBy returns the run that the manifest p, which was read as r, is of.
func (src *Source) runToldBy(p string, r *publish.Reading) run {
	is := run{began: r.Manifest.Began, manifest: p}
	if src.namesRuns() {
		if mpd, err := dash.Parse(r.Content); err == nil && mpd.IsLive() {
			is.name = mpd.Run()
		}
	}
	if r.Manifest.Segments == 0 {
		is.first = r.ModTime
	}
	return is
}

// enter notes that a stream is in the run is. It returns the name of the run before if that is over:
// files are published under another name now.
func (r *runs) enter(stream string, is run) (before string, over bool) {
	was, ok := r.present(stream)
	switch {
	case !ok:
		r.set(stream, is)
	case was.name != is.name || !was.began.Equal(is.began):
		is.before = &was.name
		r.set(stream, is)
	}
	return was.name, ok && was.name != is.name
}

// end applies that a run is over: of its files, what is not in the bucket is in the spool.
func (src *Source) end(ctx context.Context, over []overRun) {
	for _, o := range over {
		gone, _ := ask(ctx, src.uploader, func(s *publish.Schedule, now time.Time) []string {
			return s.RunOver(src.plan, o.stream, o.name, now)
		})
		for _, p := range gone {
			src.spool.Gone(p)
		}
	}
}

// forgetRuns forgets streams whose manifest is gone.
func (src *Source) forgetRuns() {
	src.runs.mu.Lock()
	defer src.runs.mu.Unlock()
	files := lookup{src: src}
	defer files.close()
	for stream, is := range src.runs.of {
		if !files.have(is.manifest) {
			delete(src.runs.of, stream)
		}
	}
}

// expect asks for the files that are published as these paths. Until ctx ends, it reports those of
// former runs as absent.
func (src *Source) expect(ctx context.Context, paths []string) {
	if src.layout.Format != media.DASH && !src.layout.RunPrefix {
		src.expecter.Expect(paths...)
		return
	}
	var names, former []string
	for _, p := range paths {
		if name, holds := src.onDisk(p); holds {
			names = append(names, name)
		} else {
			former = append(former, p)
		}
	}
	if len(former) > 0 { // not here: the spool may be waiting for this goroutine
		src.uploader.workers.Go(func() {
			for _, p := range former {
				src.absent(ctx, p)
			}
		})
	}
	src.expecter.Expect(names...)
}
