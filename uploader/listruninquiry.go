package uploader

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/internal/backoff"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// What the bucket has of a playlist tells, after a start, which run it is in, and which runs its segments
// are of: that is in their names. It is the same run if the newest segment that the bucket's version and
// the disk's both list has the content on the disk that the bucket has; if they share none, if the
// numbers have grown as fast as time ([hls.SameRun]).

const (
	inquiryRetry    = time.Second
	inquiryRetryCap = 30 * time.Second
	// inquiryLook is how often a playlist is looked at of which the bucket is being asked.
	inquiryLook = time.Second
	// maxCompared bounds the segments, maps and keys that are compared with the bucket for that.
	maxCompared = 8
)

// runUnknown is reported of a playlist of which it is not known yet in which run it is. The subject is its
// path.
var runUnknown = trouble.Failure{
	Kind: "run_unknown", Level: slog.LevelWarn,
	Message: "it is not known in which run a playlist is: the bucket does not tell what it has",
}

// inquire asks the bucket, beside all else, in which run the playlist is of which v is a version, and has it
// read again then.
func (src *Source) inquire(ctx context.Context, v listVersion, content []byte) {
	src.uploader.workers.Go(func() {
		select {
		case src.runs.lists.asks <- struct{}{}:
			defer func() { <-src.runs.lists.asks }()
		case <-ctx.Done():
			return
		}
		for failures := 1; ; failures++ {
			found, err := src.findRun(ctx, v, content)
			if err == nil {
				src.runs.lists.inherit(v.path, found)
				src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Reread(src.plan, v.path, now) })
				return
			}
			wait := backoff.Jitter(rand.N[time.Duration]).After(failures, inquiryRetry, inquiryRetryCap)
			src.trouble.Report(runUnknown, src.manifestAt(v.path), "key", src.dest.Prefix+v.path, "err", err,
				"next", "asked again; the stream waits, and its chunks are kept", "retry_in", wait.Round(time.Millisecond))
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
	})
}

// An inheritedRun is the run of which the bucket has the newest segments.
type inheritedRun struct {
	name           string
	same           bool // the disk's version is of that run, too
	files          []inheritedFile
	sequence, next uint64 // the first number that the bucket's version lists, and the one behind the last
}

// An inheritedFile is one that both versions list.
type inheritedFile struct {
	path    string
	run     string
	version media.Version // on the disk
	number  uint64
}

// findRun finds out what the bucket has of the playlist of which v is a version.
func (src *Source) findRun(ctx context.Context, v listVersion, content []byte) (found inheritedRun, err error) {
	had, published, err := src.readPublished(ctx, v.path)
	switch {
	case err != nil:
		return found, err
	case had == nil:
		return found, nil
	}
	list, err := hls.Parse(had)
	if err != nil || len(list.Segments) == 0 {
		return found, nil
	}
	names := src.namesIn(path.Dir(v.path))
	under := func(uri string) (p, run string) {
		p, _ = names.File(uri, src.exists)
		return src.layout.CutRun(p)
	}
	_, found.name = under(list.Segments[len(list.Segments)-1].URI)
	found.sequence = uint64(max(int64(list.Sequence)-list.Offset, 0))
	found.next = uint64(max(int64(list.Next())-list.Offset, 0))
	shared := src.shared(list, v, under)
	if len(shared) == 0 {
		run, err := hls.Parse(content)
		found.same = err == nil && hls.SameRun(list, run, published, v.modTime)
		return found, nil
	}
	found.same = true // if nothing of them is on the disk, nothing of them can be sent
	for i := len(shared) - 1; i >= 0; i-- {
		if shared[i].version != (media.Version{}) {
			found.same, err = src.isInBucket(ctx, shared[i])
			break
		}
	}
	if err != nil || !found.same {
		return found, err
	}
	others, err := src.sharedOthers(ctx, list, v, under)
	found.files = append(shared, others...)
	return found, err
}

// readPublished returns what the bucket has of the playlist p, and when that was put. nil: it has nothing, or
// does not tell.
func (src *Source) readPublished(ctx context.Context, p string) ([]byte, time.Time, error) {
	key := src.dest.Prefix + p
	i, found, err := src.stat(ctx, key)
	if err == nil && !found && src.dest.WhenStale == publish.RemoveStale {
		key += withdrawn
		i, found, err = src.stat(ctx, key)
	}
	if err != nil || !found {
		return nil, time.Time{}, unlessRefused(err)
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	content, _, err := src.store(ctx).Read(ctx, key, src.mostOf(p))
	return content, i.Stored, unlessRefused(err)
}

// unlessRefused returns nil for what the store will not tell: the run begins afresh then.
func unlessRefused(err error) error {
	if errors.Is(err, ErrPermanent) && !errors.Is(err, ErrBucket) {
		return nil
	}
	return err
}

// shared returns the segments that list, which the bucket has, and v list under the same number and name, of
// list's present run.
func (src *Source) shared(list *hls.Playlist, v listVersion,
	under func(string) (string, string)) (both []inheritedFile) {
	byNumber := make(map[uint64]listedFile, len(v.files))
	for _, f := range v.files {
		if f.segment {
			byNumber[f.number] = f
		}
	}
	for i := range list.Segments {
		n := list.Sequence + uint64(i)
		if n < list.Run {
			continue // of a former run
		}
		p, run := under(list.Segments[i].URI)
		number := uint64(int64(n) - list.Offset)
		if f, ok := byNumber[number]; ok && f.path == p {
			if v.replaced(&f) {
				f.version = media.Version{}
			}
			both = append(both, inheritedFile{p, run, f.version, number})
		}
	}
	return both
}

// sharedOthers returns the maps and keys that list and v name, and that the bucket has as they are on the disk.
func (src *Source) sharedOthers(ctx context.Context, list *hls.Playlist, v listVersion,
	under func(string) (string, string)) (both []inheritedFile, err error) {
	named := make(map[string]listedFile)
	for _, f := range v.files {
		if !f.segment {
			named[f.path] = f
		}
	}
	for uri := range list.URIs() {
		p, run := under(uri)
		f, ok := named[p]
		if !ok || f.version == (media.Version{}) || len(both) == maxCompared {
			continue
		}
		delete(named, p)
		is := inheritedFile{path: p, run: run, version: f.version}
		same, err := src.isInBucket(ctx, is)
		if err != nil {
			return nil, err
		}
		if same {
			both = append(both, is)
		}
	}
	return both, nil
}

// isInBucket reports whether the bucket has the file as it is on the disk.
func (src *Source) isInBucket(ctx context.Context, f inheritedFile) (bool, error) {
	i, found, err := src.stat(ctx, src.dest.Prefix+media.InRun(f.path, f.run))
	if err != nil || !found {
		return false, err
	}
	unknown := i.ModTime.IsZero() // the store notes no times
	return i.Holds(f.version) || unknown && i.Size == f.version.Size && !f.version.ModTime.After(i.Stored), nil
}

// inherit applies what the bucket has of the playlist p.
func (r *listRuns) inherit(p string, found inheritedRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.list(p)
	l.state, l.run = begins, found.name
	if !found.same {
		return
	}
	l.state, l.of = goesOn, make(map[string]string)
	l.sequence, l.last = found.sequence, max(found.next, 1)-1
	for _, is := range found.files {
		l.of[is.path] = is.run
		if is.run == l.run {
			l.used[is.path] = struct{}{}
		}
		if f := r.file(is.path); is.version != (media.Version{}) && f.state == waitsForName {
			*f = runFile{state: hasRun, run: is.run, version: is.version, by: p, number: is.number}
		}
	}
}
