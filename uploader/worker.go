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
	case j.removals != nil:
		u.deleteObjects(ctx, &r)
	case j.snapshot != nil:
		r.bytes = int64(len(j.snapshot.content))
		r.err = u.put(ctx, j, bytes.NewReader(j.snapshot.content), r.bytes)
	case j.task == look || j.task == verify:
		ctx, cancel := context.WithTimeout(ctx, attemptTime)
		defer cancel()
		if i, found, err := j.file.src.dest.Store.Stat(ctx, j.file.key()); err != nil {
			r.err = err
		} else if found {
			r.found = &i
		} else {
			r.untold = i.Untold
		}
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

// putChunk uploads the content that was closed, from the open file, and makes sure that it was that
// content from the beginning to the end (R1).
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
	body := &readErrors{SectionReader: io.NewSectionReader(f, 0, r.version.Size), src: r.file.src}
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

// readErrors remembers that reading failed, which the store could not tell from a failing connection.
type readErrors struct {
	*io.SectionReader
	src *Source
	err atomic.Pointer[error] // parts are read in parallel
}

func (r *readErrors) first() error {
	if err := r.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (r *readErrors) Read(p []byte) (int, error) {
	defer r.src.disk.End(r.src.disk.Begin())
	n, err := r.SectionReader.Read(p)
	r.src.read.Add(int64(n))
	return n, r.note(err)
}

func (r *readErrors) ReadAt(p []byte, off int64) (int, error) {
	defer r.src.disk.End(r.src.disk.Begin())
	n, err := r.SectionReader.ReadAt(p, off)
	r.src.read.Add(int64(n))
	return n, r.note(err)
}

func (r *readErrors) note(err error) error {
	if err != nil && !errors.Is(err, io.EOF) {
		r.err.CompareAndSwap(nil, &err)
	}
	return err
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
	body := &readErrors{SectionReader: io.NewSectionReader(f, 0, r.version.Size), src: r.file.src}
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
