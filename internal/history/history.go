// Package history keeps what happened last, for operators: streams that came and went, and troubles
// with their ends. It survives a restart.
package history

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Max is how many events are kept. One is about 300 bytes, in memory and in the file.
const Max = 10_000

// maxText is how many bytes of each text of an event are kept.
const maxText = 500

// An Event is one thing that happened.
type Event struct {
	ID     uint64        `json:"id"` // grows by one from event to event, also over restarts
	Time   time.Time     `json:"time"`
	Kind   string        `json:"kind"`             // lower case, with underscores, such as stream_stalled
	Level  string        `json:"level"`            // as of the log line
	Stream string        `json:"stream,omitempty"` // its directory, below the root
	Format string        `json:"format,omitempty"`
	Text   string        `json:"text"` // for people
	Lasted time.Duration `json:"lasted_ns,omitempty"`
}

// A History is the last events. Its methods may be called from any goroutine, and none waits for
// the disk.
type History struct {
	now func() time.Time

	mu      sync.Mutex
	events  []Event       // oldest first
	changed chan struct{} // closed with the next event
}

// New returns an empty History. Events without a time get that of now.
func New(now func() time.Time) *History {
	return &History{now: now, changed: make(chan struct{})}
}

// Add adds an event, and gives it its ID.
func (h *History) Add(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = h.now()
	}
	e.Time = e.Time.UTC().Truncate(time.Millisecond)
	e.ID = h.last() + 1
	for _, text := range []*string{&e.Stream, &e.Text} {
		*text = short(*text)
	}
	h.events = append(h.events, e)
	h.trim()
	close(h.changed)
	h.changed = make(chan struct{})
}

// Since returns the events after the one with that ID, oldest first, and a channel that is closed
// when there are more. An ID that is higher than all, of a history that was lost, stands for none.
func (h *History) Since(id uint64) ([]Event, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id > h.last() {
		id = 0
	}
	i, _ := slices.BinarySearchFunc(h.events, id+1, func(e Event, id uint64) int { return cmp.Compare(e.ID, id) })
	return slices.Clone(h.events[i:]), h.changed
}

// Of returns the last n events of a stream, oldest first. Those of no format are of any.
func (h *History) Of(format, stream string, n int) []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := []Event{}
	stream = short(stream)
	for i := len(h.events) - 1; i >= 0 && len(of) < n; i-- {
		if e := h.events[i]; e.Stream == stream && (e.Format == format || e.Format == "") {
			of = append(of, e)
		}
	}
	slices.Reverse(of)
	return of
}

// last returns the ID of the newest event, or 0.
func (h *History) last() uint64 {
	if n := len(h.events); n > 0 {
		return h.events[n-1].ID
	}
	return 0
}

// trim drops the oldest events, some at a time.
func (h *History) trim() {
	if len(h.events) > Max+Max/10 {
		h.events = slices.Clone(h.events[len(h.events)-Max:])
	}
}

func short(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}
