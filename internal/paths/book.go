// Package paths remembers the way of the last chunks of each stream from the disk to the viewers,
// step by step, and how long the ways were in the last minutes. It is for operators, and decides
// nothing.
package paths

import (
	"slices"
	"sync"
	"time"

	"ems-sidecar/internal/clock"
	"ems-sidecar/uploader/publish"
)

// A Name tells a stream from all others.
type Name struct {
	Root   string // the watched directory
	Format string
	Stream string // its directory, below the root
}

// A Book has the paths of all streams. Its methods may be called from any goroutine; none of them
// waits for anything but the others.
type Book struct {
	began time.Time // what the times of paths are counted from, by the clock that does not jump

	mu      sync.Mutex // guards what follows
	streams map[Name]*stream
}

// A stream is what is remembered of one.
type stream struct {
	chunks []*chunk  // by the time of their closing
	lags   *lags     // nil: no chunk was listed
	last   time.Time // the last step
}

// New returns an empty Book. It began now.
func New(began time.Time) *Book { return &Book{began: began, streams: make(map[Name]*stream)} }

// ns returns t in ns since 1970, by the wall clock as it was at the start.
func (b *Book) ns(t time.Time) int64 { return b.began.UnixNano() + int64(t.Sub(b.began)) }

// Observe notes a step of a chunk. Recordings and manifests have no path.
func (b *Book) Observe(x publish.Step) {
	if x.Kind != publish.KindChunk && x.Kind != publish.KindInit {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name := Name{x.Root, x.Format, x.Stream}
	s := b.streams[name]
	if s == nil {
		if len(b.streams) >= maxStreams {
			return
		}
		s = &stream{}
		b.streams[name] = s
	}
	if x.Stage == publish.StageListed && x.Kind == publish.KindChunk && x.Lag > 0 {
		if s.lags == nil {
			s.lags = new(lags)
		}
		s.lags.note(x.Lag, b.ns(x.At))
	}
	if x.At.After(s.last) {
		s.last = x.At
	}
	at := b.ns(x.At)
	if x.Home != "" {
		s.takeFrom(b.streams[Name{x.Root, x.Format, x.Home}], x.Key)
	}
	if c := s.chunk(&x, at); c != nil {
		c.note(&x, at)
	}
}

// takeFrom has s go on with the path of a chunk that was told of home, its directory, which may be nil:
// whose it is, a manifest tells later.
func (s *stream) takeFrom(home *stream, key string) {
	isOfKey := func(c *chunk) bool { return c.key == key }
	if home == nil || slices.ContainsFunc(s.chunks, isOfKey) {
		return
	}
	i := slices.IndexFunc(home.chunks, isOfKey)
	if i < 0 {
		return
	}
	c := home.chunks[i]
	home.chunks = slices.Delete(home.chunks, i, i+1)
	s.insert(c)
}

// insert adds c. It reports false if it is older than the last ones.
func (s *stream) insert(c *chunk) bool {
	i := len(s.chunks)
	for i > 0 && s.chunks[i-1].from > c.from { // a scan reports files in the order of their names
		i--
	}
	if len(s.chunks) >= MaxChunks {
		if i == 0 {
			return false
		}
		s.chunks = slices.Delete(s.chunks, 0, 1)
		i--
	}
	s.chunks = slices.Insert(s.chunks, i, c)
	return true
}

// chunk returns the chunk of a step, or nil if it is none of the last ones. A chunk that is closed
// is a new one: its way begins again if its name came back with other content.
func (s *stream) chunk(x *publish.Step, at int64) *chunk {
	for i := len(s.chunks) - 1; i >= 0; i-- {
		if c := s.chunks[i]; c.key == x.Key {
			if x.Stage != publish.StageClosed {
				return c
			}
			s.chunks = slices.Delete(s.chunks, i, i+1)
			break
		}
	}
	if x.Stage == publish.StageListed || x.Stage == publish.StageDeleted {
		return nil // of one that is forgotten
	}
	c := &chunk{key: x.Key, kind: x.Kind, from: at}
	if !s.insert(c) {
		return nil
	}
	return c
}

// Chunks returns the last chunks of a stream, the one that was closed first first.
func (b *Book) Chunks(of Name, now time.Time) []Chunk {
	b.mu.Lock()
	defer b.mu.Unlock()
	chunks, set := []Chunk{}, clock.Wall(b.began, now).Sub(b.began.Round(0))
	if s := b.streams[of]; s != nil {
		for _, c := range s.chunks {
			chunks = append(chunks, c.view(set, now))
		}
	}
	return chunks
}

// Lags returns the lag history of a stream: the worst lag of each LagEvery of the last ten minutes
// in seconds, the oldest first and the current one last, and nil where no chunk was listed.
func (b *Book) Lags(of Name, now time.Time) []*float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.streams[of]; s != nil && s.lags != nil {
		return s.lags.history(b.ns(now))
	}
	return new(lags).history(b.ns(now))
}

// Forget forgets the streams that had no step for an hour and have ended: those for which goesOn
// returns false.
func (b *Book) Forget(now time.Time, goesOn func(Name) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, s := range b.streams {
		if now.Sub(s.last) > forgetAfter && !goesOn(name) {
			delete(b.streams, name)
		}
	}
}
