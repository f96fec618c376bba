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
	aside   bool // not of the streams that are measured
	size    int64
	content sum       // zero: any
	closed  time.Time // just before the writer closes it
	visible time.Time // the bucket has all of it; zero: not yet
	listed  time.Time // a playlist in the bucket names it; zero: not yet
}

// A requestCount has the requests of one tool.
type requestCount struct{ Put, Part, Head, List, Get, Delete, Failed int }

// An account compares what was written with what the bucket has. It is safe for concurrent use.
type account struct {
	mu       sync.Mutex // guards all
	chunks   map[string]*chunk
	order    []*chunk        // as they were closed; not those aside
	shows    map[string]bool // playlists that the bucket has
	requests requestCount
	// Early counts playlists that named a chunk before the bucket had it, partial the objects with
	// other content than their file had when it was closed.
	playlists, early, partial int
}

func newAccount() *account {
	return &account{chunks: make(map[string]*chunk), shows: make(map[string]bool)}
}

// closing notes that the writer is about to close a chunk.
func (a *account) closing(c chunk) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.closed = time.Now()
	a.chunks[c.key] = &c
	if !c.aside {
		a.order = append(a.order, &c)
	}
}

// visibleAt returns when the bucket had all of a chunk.
func (a *account) visibleAt(key string) (at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.chunks[key]; c != nil {
		at = c.visible
	}
	return at
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
	case c.size != size || c.content != content && c.content != (sum{}):
		a.partial++
	case c.visible.IsZero():
		c.visible = now
	}
}

// shown notes what a playlist in the bucket names.
func (a *account) shown(key, text string, now time.Time) {
	a.playlists++
	a.shows[key] = true
	whole := true
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name := path.Join(path.Dir(key), line)
		c := a.chunks[name]
		if (c == nil || c.visible.IsZero()) && !a.shows[name] {
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
	return requestCount{r.Put - before.Put, r.Part - before.Part, r.Head - before.Head, r.List - before.List, r.Get - before.Get,
		r.Delete - before.Delete, r.Failed - before.Failed}
}

// complete reports whether the bucket has all chunks that were closed from begin to end, and a playlist
// in it names them; if not each of them, because of an outage, the newest of each stream.
func (a *account) complete(begin, end time.Time, each bool) bool {
	chunks := a.between(begin, end)
	if !each {
		current := a.currentSince(end)
		return len(current) == streamsOf(chunks) && !slices.ContainsFunc(chunks, func(c chunk) bool { return c.visible.IsZero() })
	}
	return !slices.ContainsFunc(chunks, func(c chunk) bool { return c.visible.IsZero() || c.listed.IsZero() })
}

// currentSince returns, by the stream, when a playlist in the bucket named the newest chunk that was
// closed until at, or a newer one, for the first time.
func (a *account) currentSince(at time.Time) map[int]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	listed, found := make(map[int]time.Time), make(map[int]bool)
	for _, c := range slices.Backward(a.order) {
		if found[c.stream] {
			continue
		}
		if was, ok := listed[c.stream]; !c.listed.IsZero() && (!ok || c.listed.Before(was)) {
			listed[c.stream] = c.listed
		}
		found[c.stream] = !c.closed.After(at)
	}
	return listed
}

func streamsOf(chunks []chunk) int {
	streams := make(map[int]bool)
	for _, c := range chunks {
		streams[c.stream] = true
	}
	return len(streams)
}

// violations returns the playlists, those of them that came before their chunks, and the objects
// with other content than their file.
func (a *account) violations() (playlists, early, partial int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.playlists, a.early, a.partial
}
