package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A status says how far one output has come on disk and in the bucket.
type status struct {
	Format        string `json:"format"`
	Written       int    `json:"written"`       // chunks that were closed on disk
	Waiting       int    `json:"waiting"`       // of these, how many no published manifest has named yet
	InBucket      int    `json:"inBucket"`      // chunks
	BytesInBucket int64  `json:"bytesInBucket"` // of chunks
	Listed        int    `json:"listed"`        // chunks that the published manifest names; 0 before it is there
	First         uint64 `json:"first"`         // of them, as media.Manifest's Sequence counts
	Newest        uint64 `json:"newest"`
	LagMS         int64  `json:"lagMs"`   // newest chunk: from closed on disk to playable from the bucket
	Missing       int    `json:"missing"` // objects that a manifest named before they were there; always 0
	Ended         bool   `json:"ended"`   // viewers have all of a stream that ended
}

// An event is one object that reached the bucket.
type event struct {
	Number   int       `json:"number"` // from 1, without gaps
	At       time.Time `json:"at"`
	Format   string    `json:"format"`
	Key      string    `json:"key"`
	Manifest bool      `json:"manifest"`
	Bytes    int64     `json:"bytes"`
	LagMS    *int64    `json:"lagMs"` // since the chunk, or the manifest's newest one, was closed; nil: unknown
}

// A journal keeps what happened. It is safe for concurrent use.
type journal struct {
	store   *store
	outputs []output

	mu      sync.Mutex // guards all below
	changed chan struct{}
	states  []state // of the outputs
	events  int     // so far
	recent  []event // the last of them, oldest first
}

// A state is what the journal knows of one output.
type state struct {
	now     status
	pending map[string]time.Time // when chunks were closed that no published manifest has named yet
}

// recentEvents is how many are kept for each output.
const recentEvents = 12

func newJournal(s *store, outputs []output) *journal {
	j := &journal{store: s, outputs: outputs, changed: make(chan struct{}), states: make([]state, len(outputs))}
	for i, o := range outputs {
		j.states[i] = state{now: status{Format: o.layout.Format.String()}, pending: make(map[string]time.Time)}
	}
	s.observe(j.stored)
	return j
}

func (j *journal) owner(key string) int {
	return slices.IndexFunc(j.outputs, func(o output) bool { return o.owns(key) })
}

// closing records that a chunk is closed on disk now.
func (j *journal) closing(key string) {
	i := j.owner(key)
	if i < 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.states[i].now.Written++
	j.states[i].pending[key] = time.Now()
}

// stored records an object that reached the bucket.
func (j *journal) stored(ctx context.Context, key string) {
	at := time.Now()
	i := j.owner(key)
	if i < 0 {
		return
	}
	o, s := j.outputs[i], &j.states[i]
	size, _ := j.store.size(ctx, key)
	e := event{At: at, Format: o.layout.Format.String(), Key: key, Manifest: o.isManifest(key), Bytes: size}
	if !e.Manifest {
		j.mu.Lock()
		defer j.mu.Unlock()
		e.LagMS = s.since(o.onDisk(key), at)
		j.append(e)
		return
	}

	content, err := j.store.read(ctx, key)
	if err != nil {
		return // overtaken by a delete
	}
	m, broken := o.parse(key, content)
	references, missing := named(key, m), 0
	for i, reference := range references {
		if _, ok := j.store.size(ctx, reference); !ok {
			missing++
		}
		references[i] = o.onDisk(reference)
	}

	j.mu.Lock()
	defer j.mu.Unlock()
	s.now.Missing += missing
	if key == o.index && broken == nil && m.Segments > 0 {
		if e.LagMS = s.named(references, at); e.LagMS != nil {
			s.now.LagMS = *e.LagMS
		}
		s.now.Listed, s.now.First, s.now.Newest = m.Segments, m.Sequence, m.Last
	}
	j.append(e)
}

// named takes what a published manifest names off the pending chunks, and also what is older: a
// manifest that was skipped named it, and no later one will. It returns the lag of the newest one.
func (s *state) named(chunks []string, at time.Time) (lag *int64) {
	var newest time.Time
	for _, chunk := range chunks {
		if closed := s.pending[chunk]; closed.After(newest) {
			newest, lag = closed, s.since(chunk, at)
		}
	}
	for chunk, closed := range s.pending {
		if !closed.After(newest) {
			delete(s.pending, chunk)
		}
	}
	return lag
}

func (s *state) since(chunk string, at time.Time) *int64 {
	closed, ok := s.pending[chunk]
	if !ok {
		return nil
	}
	ms := at.Sub(closed).Milliseconds()
	return &ms
}

func (j *journal) append(e event) {
	j.events++
	e.Number = j.events
	j.recent = append(j.recent, e)
	if len(j.recent) > recentEvents*len(j.outputs) {
		j.recent = j.recent[1:]
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// awaitEnd returns when viewers have all of an output that ended on disk.
func (j *journal) awaitEnd(ctx context.Context, i int, manifests map[string][]byte) error {
	for {
		j.mu.Lock()
		changed := j.changed
		j.mu.Unlock()
		behind := ""
		for key, content := range manifests {
			if stored, err := j.store.read(ctx, key); err != nil || !j.outputs[i].complete(key, stored, content) {
				behind = key
			}
		}
		if behind == "" {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.states[i].now.Ended = true
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("the last %s did not reach the bucket: %w", behind, context.Cause(ctx))
		}
	}
}

// read returns the states of now, one for each output, and the last events, oldest first.
func (j *journal) read(ctx context.Context) ([]status, []event, error) {
	objects, err := j.store.list(ctx)
	if err != nil {
		return nil, nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]status, len(j.states))
	for i, s := range j.states {
		now := s.now
		now.Waiting = len(s.pending)
		for _, object := range objects {
			if j.outputs[i].isChunk(object.Key) {
				now.InBucket++
				now.BytesInBucket += object.Size
			}
		}
		all[i] = now
	}
	return all, slices.Clone(j.recent), nil
}
