package uploader

import (
	"context"
	"errors"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

const (
	// replacePatience is how long a playlist waits for a segment that its writer replaces under a name
	// that it has named already: GStreamer renames it then.
	replacePatience = time.Second
	// replaceRetry is how long it waits at a time.
	replaceRetry = 100 * time.Millisecond
)

// runNamesUnused has no end. The subject is the directory.
var runNamesUnused = trouble.Condition{
	Kind: "run_names_unused", Level: slog.LevelWarn,
	Message: "directory is published without the names of runs, as DASH has the same files",
}

// A notNowError is about a playlist of which it is not known yet under which names its files are published.
type notNowError struct{ retry time.Duration }

func (e *notNowError) Error() string { return "it is not known of which run its files are" }

// nameRuns puts the names of runs in front of the names of the files in a playlist p. The error is a
// [notNowError] if they are not known yet.
func (src *Source) nameRuns(ctx context.Context, p string, names *media.Names, w *rewriting) error {
	if !src.layout.RunPrefix || w.manifest.Set {
		return nil
	}
	files := lookup{src: src}
	defer files.close()
	v := src.listVersionOf(p, w.manifest, names, files.have, w.modTime)
	if err := src.prepareNaming(ctx, &v, files.have, w.content); err != nil {
		return err
	}
	naming, wait := src.runs.lists.name(v, time.Now())
	if wait {
		return &notNowError{replaceRetry}
	}
	src.applyNaming(ctx, naming)
	w.inRuns = make(map[string]bool, len(naming.runs))
	for file, run := range naming.runs {
		w.inRuns[media.InRun(file, run)] = true
	}
	w.content = hls.RewriteURIs(w.content, func(uri string) string {
		file, _ := names.File(uri, files.have)
		if file == "" || v.plain || !src.layout.InRuns(file) {
			return uri
		}
		run, known := naming.runs[file]
		if !known && !files.have(file) { // it is still to come
			run = naming.run
		}
		return uriInRun(names.Relative(uri), run)
	})
	return nil
}

// prepareNaming finds out what has to be known before v, of which content is the text, gets names. The error
// is a [notNowError] if that takes time.
func (src *Source) prepareNaming(ctx context.Context, v *listVersion, have func(string) bool, content []byte) error {
	switch src.runs.lists.enter(v.path) {
	case notAsked:
		src.runs.lists.forgetLists(have)
		src.inquire(ctx, *v, content)
		return &notNowError{inquiryLook}
	case beingAsked:
		return &notNowError{inquiryLook}
	case begins:
		if !src.findPartner(v) && src.mayGetPartner() && src.runs.lists.waits(v.path, time.Now()) {
			return &notNowError{replaceRetry}
		}
	case goesOnPlainly:
		src.findPartner(v)
	}
	return nil
}

// uriInRun returns a relative reference with the name of a run in front of the file's name.
func uriInRun(uri, run string) string {
	if run == "" {
		return uri
	}
	end := len(uri)
	if i := strings.IndexAny(uri, "?#"); i >= 0 {
		end = i
	}
	at := strings.LastIndexByte(uri[:end], '/') + 1
	return uri[:at] + run + "/" + uri[at:]
}

// listVersionOf returns what the version m of the playlist p names.
func (src *Source) listVersionOf(p string, m media.Manifest, names *media.Names, have func(string) bool,
	modTime time.Time) listVersion {
	v := listVersion{path: p, sequence: m.Sequence, last: m.Last, modTime: modTime}
	var paths []string
	segments, own := 0, 0
	seen := make(map[string]bool)
	for ref := range m.References() {
		file, _ := names.File(ref.URI, have)
		number := m.Sequence + uint64(segments)
		if ref.Segment {
			segments++
		}
		if file == "" || file == p || seen[file] || !src.layout.InRuns(file) {
			continue
		}
		if seen[file] = true; ref.Segment {
			own++
		}
		paths = append(paths, file)
		v.files = append(v.files, listedFile{path: file, number: number, segment: ref.Segment})
	}
	v.plain = own == 0 || m.Ranged != ""
	counted := segments == m.Segments && m.Last-m.Sequence+1 == uint64(segments)
	for i, version := range src.versions(paths) {
		f := &v.files[i]
		f.version = version
		if f.segment = f.segment && counted; !f.segment {
			f.number = 0
		}
	}
	return v
}

// partners are the sections for DASH that publish the same root to the same place.
func (src *Source) partners() (dash []*Source) {
	for _, o := range src.uploader.all() {
		if o.layout.Format == media.DASH && o.dir == src.dir && o.dest.IsWith(&src.dest.Destination) {
			dash = append(dash, o)
		}
	}
	return dash
}

// mayGetPartner reports whether a manifest of DASH may be about to come.
func (src *Source) mayGetPartner() bool { return len(src.partners()) > 0 }

// findPartner reports whether a manifest of DASH names the files of v, which then are published as they are
// called.
func (src *Source) findPartner(v *listVersion) bool {
	dirs := []string{path.Dir(v.path)}
	for _, f := range v.files {
		if dir := path.Dir(f.path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, o := range src.partners() {
		for mpd := range o.runs.looked {
			if slices.Contains(dirs, path.Dir(mpd)) {
				v.plain = true
				src.tellPlain(v.path, mpd)
				return true
			}
		}
	}
	return false
}

// tellPlain logs, once for a directory, that what is in it has no names of runs.
func (src *Source) tellPlain(p, mpd string) {
	src.trouble.Begin(runNamesUnused, trouble.At{Stream: src.nameOf(p), Subject: path.Dir(p)},
		"key", src.dest.Prefix+p, "mpd", mpd, "next", "its chunks are cached for a short time only",
		"hint", "have HLS and DASH written into directories of their own, or set run_prefix = off")
}

// applyNaming applies what the names of a playlist's files have changed.
func (src *Source) applyNaming(ctx context.Context, n listNaming) {
	for _, p := range n.passed {
		src.spool.Release(p, media.Version{})
	}
	for _, p := range n.waited {
		src.spool.Move(ctx, p, media.InRun(p, n.runs[p]))
	}
	if len(n.waited) > 0 {
		src.uploader.tell(ctx, func(s *publish.Schedule, _ time.Time) { s.LookNoMore(src.plan, n.waited) })
	}
	for _, o := range n.over {
		src.leave(ctx, o.published, o.by)
	}
}

// leave applies that the disk has by instead of what is published under that path. If the bucket does not
// have that, the spool has, except if by was written into the same file.
func (src *Source) leave(ctx context.Context, published string, by media.Version) {
	src.dropOther(ctx, published, by)
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Left(src.plan, []string{published}, now) })
	src.spool.Gone(published)
}

// listRunOf returns the path under which the file p is published that was closed in version v, and whether
// that is known.
func (src *Source) listRunOf(ctx context.Context, p string, v media.Version) (string, closingOf) {
	// What was written before the start, and is listed no more, had its name then.
	isChunk := publish.IsChunk(src.layout, p, v) && !v.ModTime.Before(src.uploader.began)
	now := time.Now()
	c := src.runs.lists.closed(p, v, isChunk, now)
	if c.former != "" {
		src.leave(ctx, c.former, v)
	}
	switch {
	case c.path != "":
		return c.path, presentRun
	case isChunk:
		src.keep(ctx, p, v)
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.LookAgain(src.plan, p, now.Add(nextPatience)) })
	}
	if c.reread != "" {
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Reread(src.plan, c.reread, now) })
	}
	return p, notKnown
}

// dropOther drops what the spool has of a former run if v was written into the same file.
func (src *Source) dropOther(ctx context.Context, published string, v media.Version) {
	kept, found, err := src.spool.Find(ctx, published)
	if err == nil && found && (kept.Equal(v) || kept.Inode == v.Inode && v.Inode != 0) {
		src.spool.Release(published, media.Version{})
	}
}

// absentFromRun applies that the file p of the disk, which waits for a playlist, is not there.
func (src *Source) absentFromRun(ctx context.Context, p string) {
	v, kept, err := src.findKept(ctx, p)
	if err != nil || !kept {
		return
	}
	if _, known := src.runs.lists.kept(p, v, time.Now()); known {
		src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Kept(src.plan, p, v, now) })
		return
	}
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.LookAgain(src.plan, p, now.Add(nextPatience)) })
}

// isNotNow reports whether a playlist is to be read again, and when.
func isNotNow(err error) (retry time.Duration, ok bool) {
	var e *notNowError
	if errors.As(err, &e) {
		return e.retry, true
	}
	return 0, false
}

// versionsOf returns the versions that the files which are published as these paths have on the disk now; nil
// if all have the names of runs: then nothing comes back with other content.
func (src *Source) versionsOf(published []string) []media.Version {
	names, inRuns := slices.Clone(published), 0
	for i, p := range published {
		if name, run := src.layout.CutRun(p); run != "" {
			inRuns++
			if names[i] = name; !src.runs.lists.holds(name, run) {
				names[i] = "" // no file is called so
			}
		}
	}
	if inRuns == len(published) {
		return nil
	}
	return src.versions(names)
}
