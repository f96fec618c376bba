package uploader

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
	"ems-sidecar/uploader/archive"
	"ems-sidecar/uploader/publish"
)

// An archivedStream is what the archivist knows of one stream.
type archivedStream struct {
	streamPlace
	path   string    // of its live playlist
	listed time.Time // when that was published last

	archiving archiveLane
	held      archive.Held       // what is published while broadcast is not known, ends, or has a hole
	broadcast *archive.Broadcast // nil: the bucket was not asked for it yet
	finished  time.Time          // when the broadcast began that was finished last
	holeSince time.Time          // between broadcast and held; zero: there is none
	lookAt    time.Time          // when what passed there is looked for next

	showing archiveLane
	dvr     *archive.DVR  // nil: the bucket was not asked for it yet
	newest  *hls.Playlist // that was published, until dvr is known
	stale   bool          // the bucket has an older dvr
	gone    []string      // URIs that left the dvr and are still in that of the bucket
}

// add applies that the live playlist was published.
func (st *archivedStream) add(l publish.Listed, now time.Time) {
	st.listed = now
	at := trouble.At{Stream: st.dir, Subject: l.Path}
	list, err := hls.Parse(l.Content)
	switch {
	case l.Path != st.path:
		err = fmt.Errorf("the directory has %s, too, and one playlist of a directory is archived", st.path)
	case path.Base(l.Path) == archive.DVRName:
		err = fmt.Errorf("it has the name of the playlist that dvr makes")
	}
	if err != nil {
		st.src.trouble.Report(archiveFailed, at, "key", st.src.dest.Prefix+l.Path, "err", err, "next", "it is not archived")
		return
	}
	v := archive.Version{List: list, Chunks: chunksByURI(st.src.namesIn(path.Dir(l.Path)), list, l.Chunks), At: now}
	if st.src.dest.Archive {
		st.archive(v, now)
	}
	if st.src.dest.DVR > 0 {
		st.show(list)
	}
}

func (st *archivedStream) archive(v archive.Version, now time.Time) {
	b := st.broadcast
	if b != nil && !b.Ended() && st.held.IsEmpty() && b.Follows(v) {
		b.Add(v)
		return
	}
	st.held.Add(v)
	st.noteHole(now)
}

// noteHole notes since when what is held does not follow from the broadcast.
func (st *archivedStream) noteHole(now time.Time) {
	if st.holeSince.IsZero() && st.broadcast != nil && !st.broadcast.Ended() && !st.held.IsEmpty() {
		st.holeSince, st.lookAt = now, now
	}
}

func (st *archivedStream) show(list *hls.Playlist) {
	if st.dvr == nil {
		st.newest = list
		return
	}
	st.gone = append(st.gone, st.dvr.Add(list)...)
	st.stale = true
}

func (st *archivedStream) flush() {
	if st.broadcast != nil {
		st.broadcast.Flush()
	}
	if !st.holeSince.IsZero() {
		st.lookAt = st.holeSince
	}
}

// isDone reports whether nothing is to be remembered of the stream.
func (st *archivedStream) isDone(now time.Time) bool {
	if st.archiving.busy || st.showing.busy || !st.held.IsEmpty() || st.stale || st.newest != nil {
		return false
	}
	ended := st.dvr == nil || st.dvr.List() != nil && st.dvr.List().Ended || !now.Before(st.awayAt())
	return (st.broadcast == nil || st.broadcast.IsDone()) && ended
}

// awayAt is when the stream counts as one that does not return.
func (st *archivedStream) awayAt() time.Time { return st.listed.Add(archive.Away) }

// jobs returns what may be done for the stream, now or later.
func (st *archivedStream) jobs(now time.Time) (jobs []archiveJob) {
	if j := st.showJob(); j.do != nil {
		jobs = append(jobs, st.showing.ready(j, now)...)
	}
	if st.archiving.busy {
		return jobs
	}
	if j := st.archiveJob(now); !j.at.IsZero() || j.do != nil {
		jobs = append(jobs, st.archiving.ready(j, now)...)
	}
	return jobs
}

// ready returns j as it may be done by l.
func (l *archiveLane) ready(j archiveJob, now time.Time) []archiveJob {
	if l.busy {
		return nil
	}
	j.of = l
	for _, t := range []time.Time{l.retryAt, now} {
		if t.After(j.at) {
			j.at = t
		}
	}
	return []archiveJob{j}
}

func (st *archivedStream) showJob() (j archiveJob) {
	switch {
	case st.src.dest.DVR == 0 || st.showing.busy:
	case st.dvr == nil && st.newest != nil:
		st.showing.what = "reading " + archive.DVRName
		j.do = st.readDVR
	case st.dvr != nil && st.stale:
		st.showing.what = archive.DVRName
		list, gone := st.dvr.List(), st.gone
		j.begin = func() { st.stale, st.gone = false, nil }
		j.fail = func() { st.stale, st.gone = true, append(gone, st.gone...) }
		fresh := st.showing.failures > 0
		j.do = func(ctx context.Context) (func(), error) { return st.putDVR(ctx, list, gone, fresh) }
	}
	return j
}

func (st *archivedStream) archiveJob(now time.Time) (j archiveJob) {
	b, fresh := st.broadcast, st.archiving.failures > 0
	if b != nil && !b.Ended() && st.holeSince.IsZero() && !now.Before(st.awayAt()) {
		b.End()
	}
	switch {
	case b == nil && st.held.IsEmpty():
	case b == nil:
		st.archiving.what = "reading the archive"
		facts := st.held.Facts()
		j.do = func(ctx context.Context) (func(), error) { return st.resume(ctx, facts, now) }
	case b.IsDone():
		if st.finished = b.Start(); !st.held.IsEmpty() {
			st.broadcast = nil
			return st.archiveJob(now)
		}
	case !st.holeSince.IsZero() && !now.Before(st.lookAt):
		st.archiving.what = "finding what passed"
		last, end := b.Last()
		facts, final := st.held.Facts(), st.src.uploader.archive.flush || now.Sub(st.holeSince) >= archive.Patience
		j.do = func(ctx context.Context) (func(), error) { return st.restore(ctx, facts, last, end, final) }
	case b.NeedsWhole():
		st.archiving.what = "the whole broadcast"
		j.do = func(ctx context.Context) (func(), error) { return st.putWhole(ctx, b, fresh) }
	default:
		p, at := b.Next(now)
		if p == nil {
			return archiveJob{at: earlierOf(st.awayAt(), earlierOf(at, st.lookAt))}
		}
		st.archiving.what = "an hour"
		j.begin = func() { b.Begin(p, now) }
		j.do = func(ctx context.Context) (func(), error) {
			return func() { b.Done(p) }, st.putList(ctx, p.Name.Path(), p.List, fresh)
		}
	}
	return j
}

// key returns the key of what is called p below the directory of the stream.
func (st *archivedStream) key(p string) string { return st.src.dest.Prefix + path.Join(st.dir, p) }

// putList puts a playlist that is called p below the directory of the stream. fresh: it asks for a
// connection that no earlier attempt has used.
func (st *archivedStream) putList(ctx context.Context, p string, list *hls.Playlist, fresh bool) error {
	content := list.Bytes()
	sum := sha256.Sum256(content)
	ctx, cancel := st.src.uploader.withLimit(ctx, publish.LeastAnswerTime, int64(len(content)))
	defer cancel()
	err := st.src.dest.Store.Put(ctx, Object{
		Key: st.key(p), Body: bytes.NewReader(content), Size: int64(len(content)), Root: st.src.plan.RootName(),
		Sum: hex.EncodeToString(sum[:]), ContentType: st.src.layout.Kind(p).ContentType,
		CacheControl: st.cacheControl(list), FreshConnection: fresh,
	})
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", st.key(p), err)
	}
	return nil
}

// finishedMaxAge is for how long a playlist may be cached to which nothing is added.
const finishedMaxAge = time.Hour

func (st *archivedStream) cacheControl(list *hls.Playlist) string {
	if wanted := st.src.dest.terms().manifest; wanted != "" {
		return wanted
	}
	if list.Ended {
		return maxAge(finishedMaxAge)
	}
	return maxAge(max(time.Second, list.TargetDuration/2))
}

// read returns the playlist that is called p below the directory of the stream, or nil if there is none.
func (st *archivedStream) read(ctx context.Context, p string) (*hls.Playlist, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	content, found, err := st.src.dest.Store.Read(ctx, st.key(p), maxManifest)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", st.key(p), err)
	case !found:
		return nil, nil
	case content == nil:
		return nil, fmt.Errorf("read %s: it has more than %d MiB: %w", st.key(p), maxManifest>>20, errNotOurs)
	}
	list, err := hls.Parse(content)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", st.key(p), errNotOurs, err)
	}
	return list, nil
}

// chunksByURI returns the chunks by the URIs that list has for them.
func chunksByURI(names *media.Names, list *hls.Playlist,
	chunks map[string]publish.ListedChunk) map[string]archive.Chunk {
	named := make(map[string]archive.Chunk, len(chunks))
	// They are the newest ones, and some may be no segments.
	for i := len(list.Segments) - 1; i >= 0 && len(named) < len(chunks); i-- {
		uri := list.Segments[i].URI
		p, _ := names.File(uri, func(p string) bool { _, ok := chunks[p]; return ok })
		if c, ok := chunks[p]; ok {
			named[strings.Clone(uri)] = archive.Chunk(c)
		}
	}
	return named
}
