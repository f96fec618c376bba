package uploader

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"time"

	"ems-sidecar/media"
)

// maxManifest bounds what is read of one manifest: an appending playlist of a week has 10 MiB.
const maxManifest = 32 << 20

// An Expecter is told which files a manifest names that have not been reported closed. It answers each
// by a call of Closed or Absent, now or later, and does not block.
type Expecter interface {
	Expect(paths ...string)
}

// A Source is one root that is published to one Destination. Its methods report what happens below the
// root, in order; paths are slash-separated and relative to it. They block while the uploader
// is busy taking in other reports, and return at once when it has ended.
type Source struct {
	uploader *Uploader
	dir      string
	layout   media.Layout
	dest     *Destination
	expecter Expecter
	log      *slog.Logger

	// Owned by the goroutine of Uploader.Run.
	files      map[string]*file
	generation uint64 // grows when a confirmed file has new content
}

// Source returns a new source for what layout finds below the root dir.
func (u *Uploader) Source(dir string, layout media.Layout, dest *Destination, expecter Expecter) *Source {
	return &Source{
		uploader: u, dir: dir, layout: layout, dest: dest, expecter: expecter, log: u.log.With("root", dir),
		files: make(map[string]*file),
	}
}

// Closed reports that no process writes the file p and that it is whole in version v. A manifest
// is read at once.
func (src *Source) Closed(ctx context.Context, p string, v media.Version) {
	if src.layout.Kind(p).Role != media.ManifestFile {
		src.uploader.tell(ctx, func(s *schedule, now time.Time) { s.chunkClosed(src, p, v, now) })
		return
	}
	snap, refs, err := src.readManifest(p)
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, errChanged):
		return // deleted or written anew: its next closing brings it
	case errors.As(err, new(*notPlaylistError)):
		src.log.Warn("playlist is not published", "stream", path.Dir(p), "key", src.dest.Prefix+p, "err", err,
			"next", "its next closing is waited for")
		src.uploader.tell(ctx, func(s *schedule, _ time.Time) { s.figures.failures++ })
		return
	case err != nil:
		src.uploader.tell(ctx, func(s *schedule, now time.Time) { s.manifestUnreadable(src, p, err, now) })
		return
	}
	src.uploader.tell(ctx, func(s *schedule, now time.Time) { s.manifestClosed(src, p, snap, refs, now) })
}

// Removed reports that the name p is gone from the disk.
func (src *Source) Removed(ctx context.Context, p string) {
	src.uploader.tell(ctx, func(s *schedule, _ time.Time) { s.removed(src, p) })
}

// Absent reports that p, which was expected, is not on disk.
func (src *Source) Absent(ctx context.Context, p string) {
	src.uploader.tell(ctx, func(s *schedule, _ time.Time) { s.absent(src, p) })
}

// open opens p for reading, and nothing that is not a regular file below the root.
func (src *Source) open(p string) (*os.File, error) {
	// Opened anew each time: a root that was deleted and created again is another directory.
	root, err := os.OpenRoot(src.dir)
	if err != nil {
		// %v: that the root is gone says nothing about the file, which may come back with it.
		return nil, fmt.Errorf("the root is not there: %v", err)
	}
	defer root.Close()
	f, err := root.OpenFile(p, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", p)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// A notPlaylistError is about what a playlist holds, which only its writer can change.
type notPlaylistError struct{ error }

// readManifest returns what p holds, and the paths below the root of what it names. The error is
// errChanged if it was written meanwhile.
func (src *Source) readManifest(p string) (*snapshot, []string, error) {
	f, err := src.open(p)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if before.Size() > maxManifest {
		return nil, nil, &notPlaylistError{fmt.Errorf("it has %d bytes, more than the %d that are read of a manifest", before.Size(), maxManifest)}
	}
	content := make([]byte, before.Size())
	if _, err := io.ReadFull(f, content); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, nil, errChanged // truncated under our hands
		}
		return nil, nil, err
	}
	if err := unchanged(f, media.VersionOf(before)); err != nil {
		return nil, nil, err
	}
	playlist, err := media.ParsePlaylist(content)
	if err != nil {
		if len(content) == 0 {
			return nil, nil, errChanged // EMS truncates and then writes
		}
		return nil, nil, &notPlaylistError{err}
	}
	refs, others, outside := src.resolve(p, playlist)
	return &snapshot{
		content: content, sum: sha256.Sum256(content), playlist: playlist, others: others, outside: outside, readAt: time.Now(),
	}, refs, nil
}

// resolve returns the paths below the root that a manifest waits for, its segments last, how many are no
// segments, and the first URI that leads out of the root. What another host has is not waited for.
func (src *Source) resolve(manifest string, named media.Manifest) (paths []string, others int, outside string) {
	dir := path.Dir(manifest)
	var segments []string
	for r := range named.References() {
		literal, decoded, out := media.Resolve(dir, r.URI)
		ambiguous := decoded != "" || out
		p := literal
		if literal == "" || ambiguous && !src.exists(literal) {
			p = decoded
		}
		switch {
		case p == manifest: // it would wait for itself
		case p != "" && r.Segment:
			segments = append(segments, p)
		case p != "":
			paths = append(paths, p)
		case out && outside == "":
			outside = r.URI
		}
	}
	return append(paths, segments...), len(paths), outside
}

func (src *Source) exists(p string) bool {
	root, err := os.OpenRoot(src.dir)
	if err != nil {
		return false
	}
	defer root.Close()
	_, err = root.Lstat(p)
	return err == nil
}
