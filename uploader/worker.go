package uploader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync/atomic"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/spool"
)

const (
	// Each attempt has this long, and besides what its size takes at Settings.MinThroughput.
	attemptTime = 2 * time.Second

	// Where names never get other content, caches may keep a chunk.
	chunkCacheControl = "public, max-age=31536000, immutable"
	// The lifetime of a manifest that tells no target duration to derive one from.
	masterMaxAge = 2 * time.Second
)

// do makes one attempt at j.
func (u *Uploader) do(ctx context.Context, j job) result {
	r := result{job: j}
	switch {
	case j.survey != nil:
		u.survey(ctx, &r)
	case j.removals != nil:
		u.deleteObjects(ctx, &r)
	case j.snapshot != nil:
		r.bytes = int64(len(j.snapshot.content))
		r.err = u.put(ctx, j, bytes.NewReader(j.snapshot.content), r.bytes)
	case j.task == look && j.file.src.bulk():
		u.lookForRecording(ctx, &r)
	case j.task == look:
		u.look(ctx, &r)
	case j.task == verify:
		u.verify(ctx, &r)
	case j.task == discard:
		u.discard(ctx, &r)
	case j.task == compare:
		u.compare(ctx, &r)
	case j.task == list:
		u.list(ctx, &r)
	default:
		u.putChunk(ctx, &r)
	}
	return r
}

// look asks what the bucket has under the file's key.
func (u *Uploader) look(ctx context.Context, r *result) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	if i, found, err := r.file.src.dest.Store.Stat(ctx, r.file.key()); err != nil {
		r.err = err
	} else if found {
		r.found = &i
	} else {
		r.untold = i.Untold
	}
}

// putChunk uploads the content that was closed, from the open file. It is confirmed only if the file still has that
// content at the end.
func (u *Uploader) putChunk(ctx context.Context, r *result) {
	f, err := r.file.src.openKept(ctx, r.file.path)
	if err != nil {
		r.fileErr = err
		return
	}
	defer f.Close()
	if r.fileErr = unchanged(f, r.version); r.fileErr != nil {
		return
	}
	body := newChunkBody(f, r.job)
	r.err = u.put(ctx, r.job, body, r.version.Size)
	r.bytes = r.version.Size
	if r.fileErr = unchanged(f, r.version); r.fileErr == nil {
		r.fileErr = body.first()
	}
}

// unchanged returns errChanged if f is not in version v any more.
func unchanged(f fs.File, v media.Version) error {
	fi, err := f.Stat()
	if err == nil && !media.VersionOf(fi).Equal(v) {
		return errChanged
	}
	return err
}

// A chunkBody is a file in one version. Nothing is read of a later one: then the request ends short of its length, and the
// store takes no object that has a part of each (R1). It remembers what failed, which the store could not tell from a failing
// connection.
type chunkBody struct {
	*io.SectionReader
	file    spool.File
	version media.Version
	src     *Source
	err     atomic.Pointer[error] // parts are read in parallel
}

func newChunkBody(f spool.File, j job) *chunkBody {
	return &chunkBody{SectionReader: io.NewSectionReader(f, 0, j.version.Size), file: f, version: j.version, src: j.file.src}
}

func (b *chunkBody) first() error {
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (b *chunkBody) Read(p []byte) (int, error) {
	defer b.src.disk.End(b.src.disk.Begin())
	return b.check(b.SectionReader.Read(p))
}

func (b *chunkBody) ReadAt(p []byte, off int64) (int, error) {
	defer b.src.disk.End(b.src.disk.Begin())
	return b.check(b.SectionReader.ReadAt(p, off))
}

// check returns what was read, unless the file had changed by then.
func (b *chunkBody) check(n int, err error) (int, error) {
	if changed := unchanged(b.file, b.version); changed != nil {
		n, err = 0, changed
	}
	b.src.read.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		b.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (u *Uploader) put(ctx context.Context, j job, body Body, size int64) error {
	limit := attemptTime + time.Duration(float64(size)/float64(u.settings.MinThroughput)*float64(time.Second))
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit.Round(time.Millisecond)))
	defer cancel()
	dest := j.file.src.dest
	err := dest.Store.Put(ctx, Object{
		Key:             j.file.key(),
		Body:            body,
		Size:            size,
		ModTime:         j.version.ModTime,
		Resumable:       j.file.src.bulk(),
		IfAbsent:        j.file.src.bulk() && j.claim.state != isBegun,
		Root:            j.file.src.rootName(),
		Sum:             j.sum(),
		ContentType:     j.file.src.layout.Kind(j.file.path).ContentType,
		CacheControl:    dest.cacheControl(j.file.src.layout.Format, j.snapshot),
		FreshConnection: j.fresh,
	})
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// discard deletes the file from the disk if the bucket has just this one.
func (u *Uploader) discard(ctx context.Context, r *result) {
	src := r.file.src
	f, err := src.open(r.file.path)
	if err != nil {
		r.fileErr = err
		return
	}
	defer f.Close()
	if r.fileErr = unchanged(f, r.version); r.fileErr != nil {
		return
	}
	body := newChunkBody(f, r.job)
	r.same, err = src.dest.Store.Same(ctx, r.file.key(), body, r.version.Size, r.version.ModTime)
	if r.fileErr = body.first(); r.fileErr != nil {
		return
	}
	if errors.Is(err, ErrIncomparable) {
		r.fileErr = err
		return
	}
	if r.err = err; err != nil || !r.same {
		return
	}
	if src.Spare != nil && src.Spare(r.file.path) {
		r.fileErr = errSpared
		return
	}
	if r.fileErr = unchanged(f, r.version); r.fileErr == nil {
		r.fileErr = src.remove(r.file.path)
	}
}

// cacheControl returns the header for a manifest's snapshot, or for a chunk if that is nil.
func (d *Destination) cacheControl(format media.Format, s *snapshot) string {
	switch {
	case s == nil && d.CacheControlChunk != "":
		return d.CacheControlChunk
	case s == nil && !format.IsImmutable():
		return "public, max-age=" + strconv.Itoa(int(returnedCacheTime/time.Second))
	case s == nil:
		return chunkCacheControl
	case d.CacheControlManifest != "":
		return d.CacheControlManifest
	}
	// Half the target duration: a cache then never hides a playlist for longer than a player waits
	// before it asks again (RFC 8216, section 6.3.4).
	age := masterMaxAge
	if s.parsed.TargetDuration > 0 {
		age = max(time.Second, s.parsed.TargetDuration/2)
	}
	return "max-age=" + strconv.Itoa(int(age/time.Second))
}
