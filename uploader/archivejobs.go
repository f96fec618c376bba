package uploader

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader/archive"
	"ems-sidecar/uploader/publish"
)

var (
	archiveHole = trouble.Failure{
		Kind: "archive_hole", Level: slog.LevelWarn,
		Message: "archive has a hole: segments passed that were in no published playlist",
	}
	archiveForeign = trouble.Failure{
		Kind: "archive_unreadable", Level: slog.LevelWarn,
		Message: "playlist of an archive cannot be read",
	}
)

// errNotOurs is about an object in an archive that the archivist has not made.
var errNotOurs = errors.New("it is no playlist of an archive")

// names returns the playlists of the archive that the bucket has, in order.
func (st *archivedStream) names(ctx context.Context) (names []archive.Name, err error) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	below := strings.TrimSuffix(st.key("x"), "x")
	err = st.src.dest.Store.ListBelow(ctx, below+archive.Dir+"/", func(key string, _ ObjectInfo) error {
		if n, ok := archive.ParseName(strings.TrimPrefix(key, below)); ok {
			names = append(names, n)
		}
		return nil
	})
	slices.SortFunc(names, archive.Name.Compare)
	return names, err
}

// resume finds the broadcast in the bucket that goes on with what is held, if there is one.
func (st *archivedStream) resume(ctx context.Context, held archive.HeldFacts, now time.Time) (func(), error) {
	names, err := st.names(ctx)
	if err != nil {
		return nil, err
	}
	// A clock may have been wrong: what began later is another broadcast.
	names = slices.DeleteFunc(names, func(n archive.Name) bool { return n.Start.After(held.Began.Add(time.Minute)) })
	if len(names) == 0 && held.List.Ended && now.Sub(held.Ended) > archive.Away {
		return st.drop, nil // it had ended long before archives were on
	}
	last, err := st.lastBroadcast(ctx, names)
	if err != nil {
		return nil, err
	}
	return st.goOn(last, held), nil
}

// A foundBroadcast is the newest one of a stream in the bucket.
type foundBroadcast struct {
	*archive.Broadcast      // nil: there is none
	whole              bool // there is a playlist of all of it
	finished           bool // nothing is added to it
}

// lastBroadcast reads the newest broadcast of the names.
func (st *archivedStream) lastBroadcast(ctx context.Context, names []archive.Name) (last foundBroadcast, err error) {
	if len(names) == 0 {
		return last, nil
	}
	newest, whole := newestHour(names)
	if newest.Began.IsZero() {
		return last, nil
	}
	list, err := st.read(ctx, newest.Path())
	if errors.Is(err, errNotOurs) || err == nil && list == nil {
		st.src.trouble.Report(archiveForeign, trouble.At{Stream: st.dir}, "key", st.key(newest.Path()), "err", err,
			"next", "another archive begins")
		return last, nil
	}
	if err != nil {
		return last, err
	}
	return foundBroadcast{archive.Resume(newest, list), whole, whole || newest.Start.Equal(st.finished)}, nil
}

// goOn returns what is to be done with what is held, after the last broadcast that the bucket has.
func (st *archivedStream) goOn(last foundBroadcast, held archive.HeldFacts) func() {
	fresh := func() { st.begin(&archive.Broadcast{}) }
	if last.Broadcast == nil {
		return fresh
	}
	segment, end := last.Last()
	switch goesOn := held.Has(segment); {
	case last.whole && held.List.Ended && goesOn:
		return st.drop // it is the end that the archive has
	case last.finished && goesOn:
		return func() { st.begin(archive.Following(last.Broadcast)) }
	case last.finished:
		return fresh
	case held.Began.Sub(end) > archive.Away && !goesOn:
		return func() { // it is finished first
			last.End()
			st.broadcast = last.Broadcast
		}
	}
	return func() { st.begin(last.Broadcast) }
}

// drop forgets what is held.
func (st *archivedStream) drop() { st.held = archive.Held{} }

// newestHour returns the last hour of the names, and whether there is a playlist of all of its
// broadcast. Without an hour, that is what it returns.
func newestHour(names []archive.Name) (newest archive.Name, whole bool) {
	newest = names[len(names)-1]
	if whole = newest.Began.IsZero(); whole && len(names) > 1 {
		newest = names[len(names)-2]
	}
	return newest, whole
}

// begin has b go on with what was held.
func (st *archivedStream) begin(b *archive.Broadcast) {
	resumed := !b.Start().IsZero()
	if st.broadcast = b; b.Follows(st.held.Version()) {
		st.release()
	} else {
		st.noteHole(time.Now())
	}
	st.src.log.Info("archive begins or goes on", "stream", st.dir,
		"key", st.key(archive.Name{Start: b.Start()}.Path()), "resumed", resumed)
}

// release adds what was held to the broadcast.
func (st *archivedStream) release() {
	added := st.broadcast.Add(st.held.Version())
	if added.Hole || st.held.Lost > 0 {
		st.src.trouble.Report(archiveHole, trouble.At{Stream: st.dir}, "next", "the archive goes on behind a discontinuity")
	}
	st.held, st.holeSince, st.lookAt = archive.Held{}, time.Time{}, time.Time{}
	if st.src.uploader.archive.flush {
		st.broadcast.Flush()
	}
}

// putWhole makes the playlist of the whole broadcast of those of its hours.
func (st *archivedStream) putWhole(ctx context.Context, b *archive.Broadcast, fresh bool) (func(), error) {
	names, err := st.names(ctx)
	if err != nil {
		return nil, err
	}
	var hours []*hls.Playlist
	segments := 0
	for _, n := range names {
		if !n.Start.Equal(b.Start()) || n.Began.IsZero() || segments > archive.MaxWhole {
			continue
		}
		list, err := st.read(ctx, n.Path())
		if errors.Is(err, errNotOurs) {
			st.src.trouble.Report(archiveForeign, trouble.At{Stream: st.dir}, "key", st.key(n.Path()), "err", err,
				"next", "the whole broadcast is listed without it")
			continue
		}
		if err != nil {
			return nil, err
		}
		if list != nil {
			hours = append(hours, list)
			segments += len(list.Segments)
		}
	}
	whole, name := archive.Whole(hours), archive.Name{Start: b.Start()}
	if whole == nil {
		st.src.log.Info("broadcast has no playlist of all its hours", "stream", st.dir, "key", st.key(name.Path()),
			"segments", segments, "limit", archive.MaxWhole, "next", "the playlists of its hours stay")
		return b.WholeDone, nil
	}
	if err := st.putList(ctx, name.Path(), whole, fresh); err != nil {
		return nil, err
	}
	st.src.log.Info("broadcast is archived", "stream", st.dir, "key", st.key(name.Path()), "segments", segments)
	return b.WholeDone, nil
}

// readDVR reads the DVR playlist that the bucket has.
func (st *archivedStream) readDVR(ctx context.Context) (func(), error) {
	list, err := st.read(ctx, archive.DVRName)
	if errors.Is(err, errNotOurs) {
		st.src.trouble.Report(archiveForeign, trouble.At{Stream: st.dir}, "key", st.key(archive.DVRName), "err", err,
			"next", "it is replaced")
		list, err = nil, nil
	}
	return func() {
		st.dvr = archive.NewDVR(st.src.dest.DVR, list)
		newest := st.newest
		st.newest = nil
		st.show(newest)
	}, err
}

// putDVR puts list as the DVR playlist, which names the segments called gone no more.
func (st *archivedStream) putDVR(ctx context.Context, list *hls.Playlist, gone []string, fresh bool) (func(), error) {
	err := st.putList(ctx, archive.DVRName, list, fresh)
	return func() {
		if !st.src.dest.Archive {
			st.unarchive(st.pathsOf(gone))
		}
	}, err
}

// unarchive says that no playlist of the stream names the files any more.
func (st *archivedStream) unarchive(paths []string) {
	if len(paths) == 0 {
		return
	}
	src := st.src
	// Not by this goroutine: that of Run waits for it at the end.
	src.uploader.workers.Go(func() {
		src.uploader.tell(context.Background(), func(s *publish.Schedule, now time.Time) {
			s.Unarchived(src.plan, paths, now)
		})
	})
}

// pathsOf returns the paths below the root of what the live playlist calls so.
func (st *archivedStream) pathsOf(uris []string) (paths []string) {
	names := st.src.namesIn(st.dir)
	for _, uri := range uris {
		paths = append(paths, names.All(uri)...)
	}
	return paths
}
