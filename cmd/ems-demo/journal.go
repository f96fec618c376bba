package main

import (
	"context"
	"path"
	"sync"
	"time"

	"ems-sidecar/media"
)

// A status says how far the stream has come on disk and in the bucket.
type status struct {
	Written        int    `json:"written"`        // chunks that were closed on disk
	Waiting        int    `json:"waiting"`        // of these, how many no published playlist has named yet
	InBucket       int    `json:"inBucket"`       // chunks
	BytesInBucket  int64  `json:"bytesInBucket"`  // of chunks
	MediaSequence  uint64 `json:"mediaSequence"`  // of the published playlist: its first chunk; 0 before it is there
	NewestSequence uint64 `json:"newestSequence"` // its last chunk
	LagMS          int64  `json:"lagMs"`          // newest chunk: from closed on disk to playable from the bucket
	Missing        int    `json:"missing"`        // objects that a playlist named before they were there; always 0
	Ended          bool   `json:"ended"`          // the published playlist has ENDLIST
}

// An event is one object that reached the bucket.
type event struct {
	Number int       `json:"number"` // from 1, without gaps
	At     time.Time `json:"at"`
	Key    string    `json:"key"`
	Bytes  int64     `json:"bytes"`
	LagMS  *int64    `json:"lagMs"` // since the chunk, or the playlist's newest one, was closed; nil if that is not known
}

// A journal keeps what happened. It is safe for concurrent use.
type journal struct {
	store *store
	ended chan struct{} // closed when the bucket's playlist has ENDLIST

	mu      sync.Mutex // guards all below
	now     status
	pending map[string]time.Time // when chunks were closed that no published playlist has named yet
	events  int                  // so far
	recent  []event              // the last of them, oldest first
}

const recentEvents = 12

func newJournal(s *store) *journal {
	j := &journal{store: s, ended: make(chan struct{}), pending: make(map[string]time.Time)}
	s.observe(j.stored)
	return j
}

// closing records that a chunk is closed on disk now.
func (j *journal) closing(key string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now.Written++
	j.pending[key] = time.Now()
}

// stored records an object that reached the bucket.
func (j *journal) stored(ctx context.Context, key string) {
	at := time.Now()
	size, _ := j.store.size(ctx, key)
	if path.Ext(key) != ".m3u8" {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.append(event{At: at, Key: key, Bytes: size, LagMS: j.since(key, at)})
		return
	}

	content, err := j.store.read(ctx, key)
	if err != nil {
		return // overtaken by a delete
	}
	playlist, broken := media.ParsePlaylist(content)
	missing := 0
	for reference := range playlist.References() {
		if _, ok := j.store.size(ctx, path.Join(path.Dir(key), reference.URI)); !ok {
			missing++
		}
	}

	j.mu.Lock()
	defer j.mu.Unlock()
	j.now.Missing += missing
	e := event{At: at, Key: key, Bytes: size}
	if key == playlistKey && broken == nil && playlist.Segments > 0 {
		if lag := j.named(playlist, at); lag != nil {
			e.LagMS, j.now.LagMS = lag, *lag
		}
		j.now.MediaSequence = playlist.Sequence
		j.now.NewestSequence = playlist.Last
		if playlist.Ended && !j.now.Ended {
			j.now.Ended = true
			close(j.ended)
		}
	}
	j.append(e)
}

// named takes what a published playlist names off the pending chunks, and also what is older: a playlist
// that was skipped named it, and no later one will. It returns the lag of the newest one.
func (j *journal) named(playlist media.Manifest, at time.Time) (lag *int64) {
	var newest time.Time
	for reference := range playlist.References() {
		chunk := path.Join(path.Dir(playlistKey), reference.URI)
		if closed := j.pending[chunk]; closed.After(newest) {
			newest, lag = closed, j.since(chunk, at)
		}
	}
	for chunk, closed := range j.pending {
		if !closed.After(newest) {
			delete(j.pending, chunk)
		}
	}
	return lag
}

func (j *journal) append(e event) {
	j.events++
	e.Number = j.events
	j.recent = append(j.recent, e)
	if len(j.recent) > recentEvents {
		j.recent = j.recent[1:]
	}
}

func (j *journal) since(chunk string, at time.Time) *int64 {
	closed, ok := j.pending[chunk]
	if !ok {
		return nil
	}
	ms := at.Sub(closed).Milliseconds()
	return &ms
}

// read returns the state of now and the last events, oldest first.
func (j *journal) read(ctx context.Context) (status, []event, error) {
	chunks, err := j.store.chunks(ctx)
	if err != nil {
		return status{}, nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now
	now.Waiting = len(j.pending)
	now.InBucket = len(chunks)
	for _, c := range chunks {
		now.BytesInBucket += c.Size
	}
	return now, append([]event(nil), j.recent...), nil
}
