package uploader

import (
	"context"
	"io"
	"time"

	"ems-sidecar/dash"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

const (
	// runPatience is how long a file waits until a manifest tells of which run its stream is. After
	// that it is published as it is called.
	runPatience = 10 * time.Second
	// nextPatience is the same for a file that may be of the next run.
	nextPatience = time.Minute
	// runRetry is how long it waits at a time.
	runRetry = 50 * time.Millisecond
	// headSize is how much of a manifest is read to find its run, in bytes. EMS's begin with some 500.
	headSize = 8 << 10
)

// closedFile reports that the file p, which is no manifest, is whole in version v.
func (src *Source) closedFile(ctx context.Context, onDisk string, v media.Version) {
	p, of := src.runOf(ctx, onDisk, v)
	if (p != onDisk || of == notKnown) && src.reported.named.has(onDisk) { // by a manifest without runs, too
		at := src.placeOf(onDisk)
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Closed(src.plan, onDisk, v, false, at, now) })
	}
	switch of {
	case notKnown:
		return
	case presentIfNamed:
		src.closeIfNamed(ctx, onDisk, v)
		return
	}
	kept := publish.IsChunk(src.layout, p, v) || src.reported.named.has(p) || src.isKept(ctx, p) ||
		src.reported.series.manifestOf(onDisk) != ""
	linked := kept && src.keep(ctx, p, v)
	at, reread := src.placeOf(onDisk), src.rereadFor(onDisk)
	if of == formerRun {
		src.spool.Gone(p)
	}
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) {
		if of == formerRun {
			s.Kept(src.plan, p, v, now)
		} else {
			s.Closed(src.plan, p, v, kept, at, now)
		}
		reread(s, now)
		if linked {
			s.Linked(src.plan, p)
		}
	})
}

// A closingOf says of which run a file is that was closed.
type closingOf uint8

const (
	presentRun     closingOf = iota
	formerRun                // the one before
	presentIfNamed           // the present one if a manifest names it, else the one before
	notKnown                 // it is to be looked at again
)

// runOf returns the path under which the file p is published, which was closed in version v, and of
// which run it is.
func (src *Source) runOf(ctx context.Context, p string, v media.Version) (string, closingOf) {
	if src.layout.Format == media.HLS && src.layout.InRuns(p) {
		return src.listRunOf(ctx, p, v)
	}
	if !src.namesRuns() || !src.layout.DatesRuns(p) {
		return src.published(p), presentRun
	}
	stream := src.layout.Stream(p)
	is, ok := src.runs.present(stream)
	if !ok && src.postpone(p, runPatience) {
		return p, notKnown
	}
	if ok {
		src.lookForRun(ctx, is.manifest, is.began)
		is, _ = src.runs.present(stream)
	}
	present := media.InRun(p, is.name)
	if ok && src.mayBeOfNext(ctx, is, present, v) && src.postpone(p, nextPatience) {
		return p, notKnown
	}
	delete(src.runs.postponed, p)
	of := is.closingOf(v)
	if of == formerRun {
		return media.InRun(p, *is.before), of
	}
	return present, of
}

// closingOf returns of which run a file is that was closed in version v, and that may be of this one.
func (is run) closingOf(v media.Version) closingOf {
	switch seen := !is.first.IsZero(); {
	case is.name == "", seen && !v.ModTime.Before(is.first), !seen && !v.ModTime.Before(is.began):
		return presentRun
	case seen && is.before != nil:
		return formerRun
	}
	return presentIfNamed // the manifest's clock may not be that of the files
}

// closeIfNamed reports that the file p was closed, which is of the present run if a manifest of it names
// it, and else of the one before. If that is not known, it was written while no daemon ran, and no
// manifest leads to it any more.
func (src *Source) closeIfNamed(ctx context.Context, p string, v media.Version) {
	is, _ := src.runs.present(src.layout.Stream(p))
	former := ""
	if is.before != nil {
		former = media.InRun(p, *is.before)
	}
	at := src.placeOf(p)
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) {
		switch present := media.InRun(p, is.name); {
		case s.Names(src.plan, present):
			s.Closed(src.plan, present, v, false, at, now)
		case former != "":
			s.Kept(src.plan, former, v, now)
		}
	})
}

// isCurrent reports whether the manifest on the disk is of the run, as far as it can be read.
func (src *Source) isCurrent(is run) bool {
	found := src.versions([]string{is.manifest})[0]
	return found == (media.Version{}) || found.Equal(src.runs.looked[is.manifest])
}

// lookForRun reads the manifest p again if it may be of another run than the one that began then: its
// closing may be reported after that of a file which it names.
func (src *Source) lookForRun(ctx context.Context, p string, began time.Time) {
	found := src.versions([]string{p})[0]
	if found == (media.Version{}) || found.Equal(src.runs.looked[p]) {
		return
	}
	is, ok := src.beganBy(p)
	switch {
	case !ok: // it is just being written
	case is.Equal(began):
		src.runs.looked[p] = found
	default:
		src.Closed(ctx, p, found)
	}
}

// beganBy returns when the run began of which the manifest p is.
func (src *Source) beganBy(p string) (began time.Time, ok bool) {
	f, err := src.open(p)
	if err != nil {
		return began, false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headSize))
	if err != nil {
		return began, false
	}
	return dash.Began(head)
}

// mayBeOfNext reports whether a file may be of the run after the present one, in which it would be
// published as p: the manifest is just being written, or the bucket has p with other content. A writer may
// write the manifest last, so that only one which is written after the file tells.
func (src *Source) mayBeOfNext(ctx context.Context, is run, p string, v media.Version) bool {
	switch {
	case !src.isCurrent(is):
		return true
	case is.name == "" || src.runs.looked[is.manifest].ModTime.After(v.ModTime):
		return false
	}
	replaces, _ := ask(ctx, src.uploader, func(s *publish.Schedule, _ time.Time) bool {
		return s.Replaces(src.plan, p, v)
	})
	return replaces
}

// postpone has the file p reported again soon, and reports false if it has waited for so long.
func (src *Source) postpone(p string, patience time.Duration) bool {
	since, waits := src.runs.postponed[p]
	if !waits {
		since = time.Now()
		src.runs.postponed[p] = since
	}
	if time.Since(since) >= patience {
		return false
	}
	src.uploader.tell(context.Background(), func(s *publish.Schedule, now time.Time) {
		s.LookAgain(src.plan, p, now.Add(runRetry))
	})
	return true
}
