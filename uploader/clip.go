package uploader

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/hls"
	"ems-sidecar/media"
	"ems-sidecar/uploader/archive"
	"ems-sidecar/uploader/publish"
)

// A ClipRequest says what a clip is to have.
type ClipRequest struct {
	From, To string // RFC 3339, or how long ago, such as -10m; To may be empty: now
	Name     string // empty: its times
}

// A Clip is a playlist of chunks that the bucket has.
type Clip struct {
	Name     string
	Bucket   string
	Key      string    // of the playlist
	From, To time.Time // of what it has
	Segments int
	Seams    int
}

var (
	// ErrNoStream means that no stream has the key.
	ErrNoStream = errors.New("no stream has this id")
	// ErrEnded means that the Uploader does not answer.
	ErrEnded = errors.New("the uploader does not answer")
	// ErrWrongClip marks requests for clips that cannot be made.
	ErrWrongClip = errors.New("wrong clip")
	// ErrClipExists means that there is a clip of the name.
	ErrClipExists = errors.New("there is a clip of this name")
)

// Clip makes a clip of the stream of a section whose directory has the key: of what its archive and its
// live playlist have between two times. It copies nothing.
func (u *Uploader) Clip(ctx context.Context, section, key string, r ClipRequest) (Clip, error) {
	from, to, err := r.times(time.Now())
	if err != nil {
		return Clip{}, fmt.Errorf("%w: %w", ErrWrongClip, err)
	}
	st, err := u.clipped(ctx, section, key)
	if err != nil {
		return Clip{}, err
	}
	lists, err := st.listsBetween(ctx, from, to)
	if err != nil {
		return Clip{}, err
	}
	cut, err := archive.Cut(lists, from, to)
	if err != nil {
		return Clip{}, fmt.Errorf("%w: %w", ErrWrongClip, err)
	}
	name := r.Name
	if name == "" {
		name = archive.DefaultName(cut.From, cut.To)
	}
	c := Clip{Name: name, Bucket: st.src.dest.Bucket, Key: st.key(archive.ClipPath(name)), From: cut.From.UTC(),
		To: cut.To.UTC(), Segments: len(cut.List.Segments), Seams: cut.List.Seams()}
	return c, st.putClip(ctx, archive.ClipPath(name), cut.List)
}

// times returns the times of r.
func (r ClipRequest) times(now time.Time) (from, to time.Time, err error) {
	if r.From == "" {
		return from, to, errors.New("it needs the time at which it begins")
	}
	if r.Name != "" {
		if err := archive.CheckName(r.Name); err != nil {
			return from, to, err
		}
	}
	if from, err = archive.Moment(r.From, now); err != nil {
		return from, to, err
	}
	if to, err = archive.Moment(r.To, now); err != nil {
		return from, to, err
	}
	if !from.Before(to) {
		err = fmt.Errorf("it would begin at %s, and end before that, at %s", from.Format(time.RFC3339),
			to.Format(time.RFC3339))
	}
	return from, to, err
}

// clipped returns the stream of a section whose directory has the key.
func (u *Uploader) clipped(ctx context.Context, section, key string) (*archivedStream, error) {
	d, found, ok := u.Stream(ctx, section, key)
	switch {
	case !ok:
		return nil, ErrEnded
	case !found:
		return nil, ErrNoStream
	case d.Format != media.HLS.String():
		return nil, fmt.Errorf("%w: only HLS has clips", ErrWrongClip)
	case d.View.Stream != d.View.Dir:
		return nil, fmt.Errorf("%w: its directory has several streams, and clips are made only of one that has a "+
			"directory to itself", ErrWrongClip)
	}
	st := &archivedStream{streamPlace: streamPlace{u.sourceOf(d.View.Source), d.View.Stream}}
	for _, m := range d.Manifests {
		if !m.Set && path.Dir(m.Path) == st.dir {
			st.path = m.Path
			break
		}
	}
	return st, nil
}

// listsBetween returns the playlists that may have something between two times, in order.
func (st *archivedStream) listsBetween(ctx context.Context, from, to time.Time) ([]archive.Listed, error) {
	names, err := st.names(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]*hls.Playlist)
	var waiting []archive.Listed
	for _, l := range st.src.uploader.archive.lists(ctx, st.streamPlace) {
		if l.Name.Start.IsZero() {
			waiting = append(waiting, l)
			continue
		}
		known[l.Name.Path()] = l.List
		names = append(names, l.Name)
	}
	slices.SortFunc(names, archive.Name.Compare)
	same := func(a, b archive.Name) bool { return a.Compare(b) == 0 }
	names = archive.Overlapping(slices.CompactFunc(names, same), from, to)
	lists := make([]archive.Listed, len(names))
	reading, reads := errgroup.WithContext(ctx)
	reading.SetLimit(maxArchiving)
	for i, n := range names {
		lists[i] = archive.Listed{Name: n, List: known[n.Path()]}
		if lists[i].List == nil {
			reading.Go(func() (err error) {
				lists[i].List, err = st.read(reads, n.Path())
				return err
			})
		}
	}
	var live *hls.Playlist
	reading.Go(func() (err error) {
		live, err = st.live(reads)
		return err
	})
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	lists = append(append(lists, waiting...), archive.Listed{List: live})
	// One that was deleted meanwhile is nil.
	return slices.DeleteFunc(lists, func(l archive.Listed) bool { return l.List == nil }), nil
}

// live returns what the bucket has of the live playlist, with times. It is nil if there is none.
func (st *archivedStream) live(ctx context.Context) (*hls.Playlist, error) {
	if st.path == "" {
		return nil, nil
	}
	list, err := st.read(ctx, path.Base(st.path))
	if list == nil || err != nil || len(list.Segments) == 0 {
		return nil, err
	}
	chunks, ok := ask(ctx, st.src.uploader, func(s *publish.Schedule, _ time.Time) map[string]publish.ListedChunk {
		return s.Shown(st.src.plan, st.path)
	})
	if !ok {
		return nil, ErrEnded
	}
	v := archive.Version{List: list, Chunks: chunksByURI(st.src.namesIn(st.dir), list, chunks), At: time.Now()}
	newest := list.Segments[len(list.Segments)-1].URI
	if v.Chunks[newest].Closed.IsZero() { // an earlier process has published it
		for _, p := range st.src.namesIn(st.dir).All(newest) {
			if i, found, err := st.src.stat(ctx, st.src.dest.Prefix+p); err != nil {
				return nil, err
			} else if found {
				v.Chunks[newest] = archive.Chunk{Closed: i.ModTime, Size: i.Size}
				break
			}
		}
	}
	return v.Dated(), nil
}

// putClip puts the playlist of a clip. What it names stays from then on.
func (st *archivedStream) putClip(ctx context.Context, p string, list *hls.Playlist) error {
	_, there, err := st.src.stat(ctx, st.key(p))
	switch {
	case err != nil:
		return fmt.Errorf("ask for %s: %w", st.key(p), err)
	case there:
		return fmt.Errorf("%w: %s", ErrClipExists, st.key(p))
	}
	m, err := st.src.layout.Parse(p, list.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w", st.key(p), err)
	}
	key := path.Join(st.dir, p)
	named := namedBy(key, m, st.src.namesIn(path.Dir(key)).FromPlaylistIn(st.dir))
	_, ok := ask(ctx, st.src.uploader, func(s *publish.Schedule, _ time.Time) bool {
		s.Archived(st.src.plan, named)
		return true
	})
	if !ok {
		return ErrEnded
	}
	return st.putList(ctx, p, list, false)
}
