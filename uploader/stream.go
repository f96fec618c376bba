package uploader

import (
	"time"
)

// A stream is the publisher of one directory: its chunks that are to be uploaded, and its manifests.
type stream struct {
	src       *Source
	name      string // the directory, below the root
	pending   []*file
	manifests []*manifest
	files     int // entries of src.files that belong here

	inFlight  int
	failures  int // of the store, in a row
	retryAt   time.Time
	refused   bool // the last failure was a refusal of this stream's keys
	published time.Time
	warnings  int // this minute, of the kinds that can come once per file
}

// enqueue lists f for upload, or for the question whether the bucket has it.
func (st *stream) enqueue(f *file) {
	f.state = queued
	if !f.inPending {
		f.inPending = true
		st.pending = append(st.pending, f)
	}
}

// pick chooses what the stream needs most: a publishable manifest, the chunks of the snapshot that is
// pursued, those of the newest, and then the rest, oldest first.
func (st *stream) pick(now time.Time, onlyManifests bool) (*file, *snapshot) {
	for _, m := range st.manifests {
		if s := m.publishable(now); s != nil {
			return m.file, s
		}
	}
	if onlyManifests {
		return nil, nil
	}
	for len(st.pending) > 0 && st.pending[0].state != queued {
		st.pending[0].inPending = false
		st.pending = st.pending[1:]
	}
	if len(st.pending) == 0 {
		return nil, nil
	}
	for _, m := range st.manifests {
		if n := len(m.waiting); n > 0 {
			for _, s := range []*snapshot{m.pursued, m.waiting[n-1]} {
				if f := st.firstQueued(s.open, now); f != nil {
					return f, nil
				}
			}
		}
	}
	return st.firstQueued(st.pending, now), nil
}

func (st *stream) firstQueued(files []*file, now time.Time) *file {
	for _, f := range files {
		if f.state == queued && f.stream == st && !now.Before(f.retryAt) {
			return f
		}
	}
	return nil
}

// wake returns when pick may find something that it does not find now because of a time that has not
// come, or the zero time.
func (st *stream) wake(now time.Time, onlyManifests bool) time.Time {
	var at time.Time
	for _, m := range st.manifests {
		if m.inFlight == nil && len(m.waiting) > 0 && now.Before(m.notBefore) {
			at = earlier(at, m.notBefore)
		}
	}
	if onlyManifests {
		return at
	}
	for _, f := range st.pending {
		if f.state == queued && now.Before(f.retryAt) {
			at = earlier(at, f.retryAt)
		}
	}
	return at
}

// queue counts the files that wait for their upload.
func (st *stream) queue() int {
	n := 0
	for _, f := range st.pending {
		if f.state == queued {
			n++
		}
	}
	return n
}

// earlier returns the earlier of two times, of which a zero one means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
