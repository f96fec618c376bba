package api

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"time"
)

// feedEvery is how often the uploader is asked while a client follows the changes.
const feedEvery = time.Second

// A feed asks the daemon for all who follow its changes: once in feedEvery, however many they are.
type feed struct {
	daemon  Daemon
	clients chan struct{} // holds one for each client
	asking  chan struct{} // holds one while the daemon is asked; it guards last
	last    *snapshot
}

func newFeed(d Daemon) *feed {
	return &feed{daemon: d, clients: make(chan struct{}, maxClients), asking: make(chan struct{}, 1)}
}

// A snapshot is how all streams fare at one moment. It is not changed.
type snapshot struct {
	at       time.Time
	answered bool // the uploader has answered
	streams  []*entry
	byID     map[string]*entry
}

// An entry is one stream of a snapshot. As long as nothing changes, snapshots share it.
type entry struct {
	stream Stream
	fields []field // in the order of the struct
}

// A field is one of a JSON object.
type field struct {
	name  string
	value json.RawMessage
}

// current returns the snapshot of the current second, or nil if ctx ends.
func (f *feed) current(ctx context.Context) *snapshot {
	select {
	case f.asking <- struct{}{}:
		defer func() { <-f.asking }()
	case <-ctx.Done():
		return nil
	}
	now := time.Now()
	if f.last != nil && f.last.at.Truncate(feedEvery).Equal(now.Truncate(feedEvery)) {
		return f.last
	}
	// Others wait for this answer: it must not depend on one client.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	streams, ok := f.daemon.Streams(ctx)
	f.last = f.last.next(streams, ok, now)
	return f.last
}

// next returns the snapshot that follows s, which may be nil.
func (s *snapshot) next(streams []Stream, answered bool, at time.Time) *snapshot {
	n := &snapshot{at: at.UTC(), answered: answered}
	if !answered {
		if s != nil {
			n.streams, n.byID = s.streams, s.byID
		}
		return n
	}
	n.byID = make(map[string]*entry, len(streams))
	for i := range streams {
		stream := &streams[i]
		if n.byID[stream.ID] != nil {
			continue // another directory has a stream of that key, too: the worst is told
		}
		var e *entry
		if s != nil {
			e = s.byID[stream.ID]
		}
		if e == nil || !reflect.DeepEqual(&e.stream, stream) {
			e = &entry{*stream, fieldsOf(stream)}
		}
		n.streams = append(n.streams, e)
		n.byID[stream.ID] = e
	}
	return n
}

// fieldsOf returns the fields of a struct as JSON has them.
func fieldsOf(of any) (fields []field) {
	text, err := json.Marshal(of)
	if err != nil {
		return nil // it has nothing that JSON lacks
	}
	d := json.NewDecoder(bytes.NewReader(text))
	_, _ = d.Token() // the brace
	for d.More() {
		name, _ := d.Token()
		f := field{name: name.(string)}
		_ = d.Decode(&f.value)
		fields = append(fields, f)
	}
	return fields
}

// patch returns what turns was into e: the fields that differ, with null for one that is gone, as a
// JSON merge patch (RFC 7396) has them.
func (e *entry) patch(was *entry) (changed []field) {
	rest := make(map[string]json.RawMessage, len(was.fields))
	for _, f := range was.fields {
		rest[f.name] = f.value
	}
	for _, f := range e.fields {
		old, had := rest[f.name]
		if !had || !bytes.Equal(old, f.value) {
			changed = append(changed, f)
		}
		delete(rest, f.name)
	}
	for _, f := range was.fields {
		if _, gone := rest[f.name]; gone {
			changed = append(changed, field{f.name, json.RawMessage("null")})
		}
	}
	return changed
}
