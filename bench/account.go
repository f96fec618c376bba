package main

import (
	"crypto/md5"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// A sum tells the content of a file from any other.
type sum [md5.Size]byte

// A chunk is one media file on its way from the writer into the bucket.
type chunk struct {
	key     string
	stream  int
	size    int64
	content sum
	closed  time.Time // just before the writer closes it
	visible time.Time // the bucket has all of it; zero: not yet
	listed  time.Time // a playlist in the bucket names it; zero: not yet
}

// A requestCount has the requests of one tool.
type requestCount struct{ Put, Head, List, Get, Delete, Failed int }

// An account compares what was written with what the bucket has. It is safe for concurrent use.
type account struct {
	mu       sync.Mutex // guards all
	chunks   map[string]*chunk
	order    []*chunk // as they were closed
	requests requestCount
	// Early counts playlists that named a chunk before the bucket had it, partial the objects with
	// other content than their file had when it was closed.
	playlists, early, partial int
}

func newAccount() *account { return &account{chunks: make(map[string]*chunk)} }

// closing notes that the writer is about to close a chunk.
func (a *account) closing(key string, stream int, size int64, content sum) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &chunk{key: key, stream: stream, size: size, content: content, closed: time.Now()}
	a.chunks[key] = c
	a.order = append(a.order, c)
}

// stored notes that the bucket has an object now. text is the content of a playlist.
func (a *account) stored(key string, size int64, content sum, text []byte) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if isPlaylist(key) {
		a.shown(key, string(text), now)
		return
	}
	c := a.chunks[key]
	switch {
	case c == nil: // still being written
		a.partial++
	case c.size != size || c.content != content:
		a.partial++
	case c.visible.IsZero():
		c.visible = now
	}
}

// shown notes what a playlist in the bucket names.
func (a *account) shown(key, text string, now time.Time) {
	a.playlists++
	whole := true
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		c := a.chunks[path.Join(path.Dir(key), line)]
		if c == nil || c.visible.IsZero() {
			whole = false
		}
		if c != nil && c.listed.IsZero() {
			c.listed = now
		}
	}
	if !whole {
		a.early++
	}
}

func isPlaylist(key string) bool { return strings.HasSuffix(key, ".m3u8") }

// count adds a request.
func (a *account) count(add func(*requestCount)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	add(&a.requests)
}

// between returns the chunks that were closed from begin to end, and the requests so far.
func (a *account) between(begin, end time.Time) []chunk {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []chunk
	for _, c := range a.order {
		if !c.closed.Before(begin) && c.closed.Before(end) {
			found = append(found, *c)
		}
	}
	return found
}

func (a *account) soFar() requestCount {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests
}

func (r requestCount) since(before requestCount) requestCount {
	return requestCount{r.Put - before.Put, r.Head - before.Head, r.List - before.List, r.Get - before.Get,
		r.Delete - before.Delete, r.Failed - before.Failed}
}

// complete reports whether the bucket has all chunks, and names them, that were closed from begin to end.
func (a *account) complete(begin, end time.Time) bool {
	return !slices.ContainsFunc(a.between(begin, end), func(c chunk) bool {
		return c.visible.IsZero() || c.listed.IsZero()
	})
}

// violations returns the playlists, those of them that came before their chunks, and the objects
// with other content than their file.
func (a *account) violations() (playlists, early, partial int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.playlists, a.early, a.partial
}
