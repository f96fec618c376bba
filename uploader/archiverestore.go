package uploader

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/uploader/archive"
)

// lookEvery is how often chunks that passed are looked for.
const lookEvery = 10 * time.Second

// restore finds chunks that passed behind the last one of the broadcast, which is called last and ended
// at end, and before what is held. A process that was killed had not listed them yet, or they are
// uploaded later than those of newer playlists. final: it is not tried again.
func (st *archivedStream) restore(ctx context.Context, held archive.HeldFacts, last string, end time.Time, final bool) (
	func(), error) {
	b := st.broadcast
	if last == "" || len(held.List.Segments) == 0 || !held.IsPlain() {
		return st.release, nil
	}
	first := held.List.Segments[0].URI
	forward, joined, err := st.look(ctx, last, first, archive.Successor)
	if err != nil {
		return nil, err
	}
	found, err := restored(forward, held.List, end)
	if err != nil {
		return nil, err
	}
	if final && !joined {
		until := last
		if n := len(forward); n > 0 {
			until = forward[n-1].URI
		}
		backward, _, err := st.look(ctx, first, until, archive.Predecessor)
		if err != nil {
			return nil, err
		}
		slices.Reverse(backward)
		more, err := restored(backward, held.List, time.Time{})
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return func() {
		for _, v := range found {
			b.Add(v)
		}
		if joined || final {
			st.release()
			return
		}
		if st.lookAt = time.Now().Add(lookEvery); st.src.uploader.archive.flush {
			st.flush()
		}
	}, nil
}

// restored returns the version that has what was found, if there is anything.
func restored(found []archive.Found, like *hls.Playlist, end time.Time) ([]archive.Version, error) {
	if len(found) == 0 {
		return nil, nil
	}
	v, err := archive.Restored(found, like, end)
	if err != nil {
		return nil, fmt.Errorf("list what passed: %w", err)
	}
	return []archive.Version{v}, nil
}

// look asks the bucket for one chunk after the other, from the one called from, until there is none,
// or it is the one called until: then it reports that.
func (st *archivedStream) look(ctx context.Context, from, until string, next func(string) (string, bool)) (
	found []archive.Found, joined bool, err error) {
	for uri, ok := next(from); ok && len(found) < maxRestored; uri, ok = next(uri) {
		if uri == until {
			return found, true, nil
		}
		var info ObjectInfo
		there := false
		for _, p := range st.src.namesIn(st.dir).All(uri) {
			if info, there, err = st.src.stat(ctx, st.src.dest.Prefix+p); err != nil {
				return nil, false, err
			} else if there {
				break
			}
		}
		if !there {
			return found, false, nil
		}
		closed := info.ModTime
		if closed.IsZero() {
			closed = info.Stored
		}
		found = append(found, archive.Found{URI: uri, Closed: closed, Size: info.Size})
	}
	return found, false, nil
}
