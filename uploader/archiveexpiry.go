package uploader

import (
	"context"
	"errors"
	"log/slog"
	"path"
	"strings"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader/archive"
	"ems-sidecar/uploader/publish"
)

// expireEvery is how often archives and clips are looked for that have expired.
const expireEvery = time.Hour

var archiveUnexpired = trouble.Failure{
	Kind: "archive_unexpired", Level: slog.LevelWarn,
	Message: "archives that have expired are not deleted",
}

// expireArchives deletes, each hour, the playlists of archives and clips that are older than
// Destination.ArchiveKeep, and with Destination.Delete what nothing names any more then. It returns when
// ctx ends.
func (u *Uploader) expireArchives(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		done := make(map[string]bool)
		for _, src := range u.all() {
			keep := src.dest.ArchiveKeep
			if keep == 0 || src.plan == nil || done[src.dest.Bucket+"/"+src.dest.Prefix] {
				continue
			}
			done[src.dest.Bucket+"/"+src.dest.Prefix] = true
			err := src.eachArchive(ctx, func(stream string) error { return src.expire(ctx, stream, time.Now().Add(-keep)) })
			if err != nil && ctx.Err() == nil {
				src.trouble.Report(archiveUnexpired, trouble.At{}, "bucket", src.dest.Bucket, "prefix", src.dest.Prefix,
					"err", err, "next", "tried again", "retry_in", expireEvery)
			}
		}
	}
}

// errHas ends a list that has something.
var errHas = errors.New("there is something")

// eachArchive calls do for each stream of which the bucket has an archive or clips: a directory below
// the prefix, or a directory in one. Chunks are not listed, of which there may be millions.
func (src *Source) eachArchive(ctx context.Context, do func(stream string) error) error {
	prefix := src.dest.Prefix
	above := prefix[:strings.LastIndexByte(prefix, '/')+1]
	var groups []string
	err := src.dest.Store.Directories(ctx, above, func(dir string) error {
		if strings.HasPrefix(dir, prefix) {
			groups = append(groups, dir)
		}
		return nil
	})
	for _, group := range groups {
		if err != nil {
			return err
		}
		var has bool
		if has, err = src.hasArchive(ctx, group); has || err != nil {
			if err == nil {
				err = do(src.below(group))
			}
			continue // it is a stream, and has no streams in it
		}
		var streams []string
		err = src.dest.Store.Directories(ctx, group, func(dir string) error {
			streams = append(streams, dir)
			return nil
		})
		for _, stream := range streams {
			if err != nil {
				return err
			}
			if has, err = src.hasArchive(ctx, stream); has {
				err = do(src.below(stream))
			}
		}
	}
	return err
}

// below returns the path below the root of what dir is in the bucket.
func (src *Source) below(dir string) string {
	return strings.TrimSuffix(strings.TrimPrefix(dir, src.dest.Prefix), "/")
}

// hasArchive reports whether the directory dir of the bucket has an archive or clips.
func (src *Source) hasArchive(ctx context.Context, dir string) (bool, error) {
	for _, name := range []string{archive.Dir, archive.ClipDir} {
		err := src.dest.Store.ListBelow(ctx, dir+name+"/", func(key string, _ ObjectInfo) error {
			p := strings.TrimPrefix(key, dir)
			if _, ok := archive.ParseName(p); ok || archive.IsClip(p) {
				return errHas
			}
			return nil
		})
		if errors.Is(err, errHas) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// expire deletes what was put last before a time of the archive and the clips of a stream.
func (src *Source) expire(ctx context.Context, stream string, before time.Time) error {
	st := archivedStream{streamPlace: streamPlace{src, stream}}
	below := strings.TrimSuffix(st.key("x"), "x")
	var all []archive.Stored
	for _, name := range []string{archive.Dir, archive.ClipDir} {
		err := src.dest.Store.ListBelow(ctx, below+name+"/", func(key string, i ObjectInfo) error {
			p := strings.TrimPrefix(key, below)
			if _, ok := archive.ParseName(p); ok || archive.IsClip(p) {
				all = append(all, archive.Stored{Path: p, At: i.Stored})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	e := archive.Expire(all, before)
	if len(e.Expired) == 0 {
		return nil
	}
	left := make(map[string]bool)
	for _, s := range e.Expired {
		err := src.eachNamed(ctx, stream, path.Join(stream, s.Path), func(p string) { left[p] = true })
		if err != nil {
			return err
		}
	}
	for _, s := range e.Witnesses {
		err := src.eachNamed(ctx, stream, path.Join(stream, s.Path), func(p string) { delete(left, p) })
		if err != nil {
			return err
		}
	}
	keys := make([]string, len(e.Expired))
	for i, s := range e.Expired {
		keys[i] = st.key(s.Path)
	}
	if err := src.dest.Store.Delete(ctx, keys); err != nil {
		return err
	}
	src.log.Info("archive has expired", "stream", stream, "count", len(keys), "one_of_them", keys[0], "chunks", len(left))
	paths := make([]string, 0, len(left))
	for p := range left {
		paths = append(paths, p)
	}
	src.uploader.tell(ctx, func(s *publish.Schedule, now time.Time) { s.Unarchived(src.plan, paths, now) })
	return nil
}

// eachNamed calls do for each path below the root that the playlist p of a stream names in the bucket.
// One that cannot be read names nothing.
func (src *Source) eachNamed(ctx context.Context, stream, p string, do func(string)) error {
	content, found, err := src.dest.Store.Read(ctx, src.dest.Prefix+p, maxManifest)
	if err != nil || !found {
		return err
	}
	if m, err := src.layout.Parse(p, content); err == nil {
		for _, named := range namedBy(p, m, src.namesIn(path.Dir(p)).FromPlaylistIn(stream)) {
			do(named)
		}
	}
	return nil
}
