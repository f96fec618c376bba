package uploader

import (
	"context"
	"errors"
	"path"
	"strings"
	"time"

	"ems-sidecar/uploader/archive"
	"ems-sidecar/uploader/publish"
)

// clockSkew is how much the clocks of the store and of the host that wrote a file may differ.
const clockSkew = 15 * time.Minute

// readArchives finds which files of the job's survey the archives and clips of its streams name.
func (src *Source) readArchives(ctx context.Context, r *publish.Result) {
	for _, stream := range r.Survey.Streams {
		err := src.readArchivesOf(ctx, r, stream)
		switch {
		case err == nil:
			r.ArchivesRead = append(r.ArchivesRead, stream)
		case r.Err == nil:
			r.Err = err // others may still be readable
		}
		if ctx.Err() != nil || errors.Is(err, ErrBucket) {
			return
		}
	}
}

func (src *Source) readArchivesOf(ctx context.Context, r *publish.Result, stream string) error {
	below := src.dest.Prefix
	if stream != "." {
		below += stream + "/"
	}
	var lists []string // below the directory of the stream
	since := r.Survey.Since.Add(-clockSkew)
	for _, dir := range []string{archive.Dir, archive.ClipDir} {
		err := src.store(ctx).ListBelow(ctx, below+dir+"/", func(key string, i ObjectInfo) error {
			p := strings.TrimPrefix(key, below)
			// A playlist is stored after the chunks that it names were written.
			if _, ok := archive.ParseName(p); (ok || archive.IsClip(p)) && !i.Stored.Before(since) {
				lists = append(lists, p)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if src.dest.DVR > 0 {
		lists = append(lists, archive.DVRName)
	}
	for _, p := range lists {
		if err := src.readArchive(ctx, r, stream, path.Join(stream, p)); err != nil {
			return err
		}
	}
	return nil
}

// readArchive notes which files of the survey the playlist p of a stream names. One that cannot be read
// may name all of them.
func (src *Source) readArchive(ctx context.Context, r *publish.Result, stream, p string) error {
	content, found, err := src.store(ctx).Read(ctx, src.dest.Prefix+p, maxManifest)
	switch {
	case err != nil:
		return err
	case !found:
		return nil
	}
	m, err := src.layout.Parse(p, content)
	if content == nil || err != nil {
		for file := range r.Survey.Files {
			if src.layout.Stream(file) == stream {
				r.Archived = append(r.Archived, file)
			}
		}
		return nil
	}
	for _, file := range namedBy(p, m, src.namesIn(path.Dir(p)).FromPlaylistIn(stream)) {
		if r.Survey.Files[file] {
			r.Archived = append(r.Archived, file)
		}
	}
	return nil
}
