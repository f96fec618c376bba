package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ems-sidecar/internal/history"
)

// Changes is what the event "changes" of GET /api/v1/changes has.
type Changes struct {
	At      time.Time         `json:"at"`
	Changed []json.RawMessage `json:"changed,omitempty"` // merge patches of streams, each with its id
	Removed []string          `json:"removed,omitempty"` // ids
}

// serve is GET /api/v1/changes: all streams first, then what changes, as server-sent events.
func (f *feed) serve(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.ParseUint(r.FormValue("since"), 10, 64)
	if err != nil && r.FormValue("since") != "" {
		write(w, http.StatusBadRequest, Problem{"since must be the id of an event, a number"})
		return
	}
	select {
	case f.clients <- struct{}{}:
		defer func() { <-f.clients }()
	default:
		w.Header().Set("Retry-After", "10")
		write(w, http.StatusServiceUnavailable, Problem{"too many clients follow the changes; /api/v1/streams answers"})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	c := newClient(w, r)
	c.since = since
	newest := uint64(0)
	if past, _ := f.daemon.Events(0); len(past) > 0 {
		newest = past[len(past)-1].ID
	}
	switch {
	case err != nil: // none is asked for: those from now on
		c.since = newest
	case since > newest: // of a history that was lost
		c.since = 0
	}
	_ = c.follow(r.Context(), f) // the client is gone, or too slow; it comes again
}

// A client follows the changes.
type client struct {
	control *http.ResponseController
	wire    *counter
	out     io.Writer
	zip     *gzip.Writer // nil: the client does not read it

	sent   map[string]*entry // what the client knows; nil: nothing yet
	since  uint64            // the last event that it knows
	credit int               // bytes that it may get now of what can wait
	lastAt time.Time         // when it got something
	broken bool              // it was told that the uploader does not answer
}

func newClient(w http.ResponseWriter, r *http.Request) *client {
	c := &client{control: http.NewResponseController(w), wire: &counter{w: w}, credit: clientBurst}
	c.out = c.wire
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		c.zip, _ = gzip.NewWriterLevel(c.wire, gzip.BestSpeed) // the level is a right one
		c.out = c.zip
	}
	return c
}

// follow writes to the client until ctx ends or it cannot be written to.
func (c *client) follow(ctx context.Context, f *feed) error {
	for {
		now := f.current(ctx)
		if now == nil {
			return ctx.Err()
		}
		var out bytes.Buffer
		if err := c.tell(&out, now, f.daemon); err != nil {
			return err
		}
		events, _ := f.daemon.Events(c.since)
		if err := c.tellEvents(&out, events); err != nil {
			return err
		}
		if out.Len() == 0 && now.at.Sub(c.lastAt) >= heartbeatEvery {
			out.WriteString(": nothing new\n\n")
		}
		if err := c.send(out.Bytes(), now.at); err != nil {
			return err
		}
		// All clients at the same moment: one answer of the daemon is for all.
		next := time.NewTimer(time.Until(time.Now().Truncate(feedEvery).Add(feedEvery)))
		select {
		case <-ctx.Done():
			next.Stop()
			return ctx.Err()
		case <-next.C:
		}
	}
}

// tell writes what the client does not know yet of the snapshot.
func (c *client) tell(out *bytes.Buffer, now *snapshot, d Daemon) error {
	if !now.answered {
		if c.broken {
			return nil
		}
		c.broken = true
		return event(out, "problem", 0, Problem{"the uploader does not answer"})
	}
	if c.sent == nil || c.broken {
		all := Streams{At: now.at, Streams: make([]Stream, len(now.streams))}
		for i, e := range now.streams {
			all.Streams[i] = e.stream
			all.Streams[i].LagHistory = d.LagHistory(e.stream)
		}
		c.sent = make(map[string]*entry, len(now.byID))
		for id, e := range now.byID {
			c.sent[id] = e
		}
		c.broken = false
		return event(out, "streams", c.since, all)
	}
	if changes := c.changes(now); len(changes.Changed)+len(changes.Removed) > 0 {
		return event(out, "changes", 0, changes)
	}
	return nil
}

// changes returns what the client does not know yet, and may know now.
func (c *client) changes(now *snapshot) Changes {
	changes := Changes{At: now.at}
	for _, e := range now.streams {
		was := c.sent[e.stream.ID]
		if was == e {
			continue
		}
		fields := e.fields
		if was != nil {
			fields = e.patch(was)
			if !isUrgent(fields) && (c.credit <= 0 || hasOnlyAged(was, fields) && now.at.Unix()%wordsSeconds != 0) {
				continue
			}
			fields = slices.Insert(fields, 0, e.fields[0]) // the id
		}
		changes.Changed = append(changes.Changed, object(fields))
		c.sent[e.stream.ID] = e
	}
	for id := range c.sent {
		if now.byID[id] == nil {
			changes.Removed = append(changes.Removed, id)
			delete(c.sent, id)
		}
	}
	slices.Sort(changes.Removed)
	return changes
}

const wordsSeconds = int64(wordsEvery / time.Second)

// isUrgent reports whether the state has changed.
func isUrgent(fields []field) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return f.name == "state" || f.name == "since" })
}

var numbers = regexp.MustCompile(`[0-9.]+[a-zµ]*`)

// hasOnlyAged reports whether the fields are no more than a reason with other numbers in it, such as
// "no new chunk for 7s".
func hasOnlyAged(was *entry, fields []field) bool {
	return len(fields) == 1 && fields[0].name == "why" && slices.ContainsFunc(was.fields, func(f field) bool {
		return f.name == "why" && bytes.Equal(numbers.ReplaceAll(f.value, nil), numbers.ReplaceAll(fields[0].value, nil))
	})
}

// object returns the fields as a JSON object.
func object(fields []field) json.RawMessage {
	text := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(append(text, '"'), f.name...), '"', ':'), f.value...)
	}
	return append(text, '}')
}

// tellEvents writes the events that are new to the client.
func (c *client) tellEvents(out *bytes.Buffer, events []history.Event) error {
	if len(events) == 0 {
		return nil
	}
	events = events[:min(len(events), maxEvents)]
	c.since = events[len(events)-1].ID
	return event(out, "events", c.since, Events{Events: events, Next: c.since})
}

// event writes one server-sent event. The id is that of the last event of the history in it, or 0.
func event(out *bytes.Buffer, name string, id uint64, data any) error {
	text, err := json.Marshal(data) // has no line breaks
	if err != nil {
		return err
	}
	if id > 0 {
		out.WriteString("id: " + strconv.FormatUint(id, 10) + "\n")
	}
	out.WriteString("event: " + name + "\ndata: ")
	out.Write(text)
	out.WriteString("\n\n")
	return nil
}

// send sends text, and pays for it.
func (c *client) send(text []byte, now time.Time) error {
	c.credit = min(c.credit+clientRate, clientBurst)
	if len(text) == 0 {
		return nil
	}
	_ = c.control.SetWriteDeadline(time.Now().Add(clientPatience)) // fails in tests only, without a connection
	if _, err := c.out.Write(text); err != nil {
		return err
	}
	if c.zip != nil {
		if err := c.zip.Flush(); err != nil {
			return err
		}
	}
	c.credit -= c.wire.taken()
	c.lastAt = now
	return c.control.Flush()
}

// A counter counts what is written.
type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}

// taken returns how much was written since it was called last.
func (c *counter) taken() int {
	n := c.n
	c.n = 0
	return n
}
