package main

import (
	"slices"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/internal/paths"
	"ems-sidecar/uploader/health"
)

// News are what a trace prints as one line.
type news struct {
	At      time.Time      `json:"at"`
	What    happening      `json:"what"`
	Stream  string         `json:"stream"` // its id
	Chunk   *paths.Chunk   `json:"chunk,omitempty"`
	Failure *paths.Failure `json:"failure,omitempty"`
	Waiting int            `json:"waiting,omitempty"` // chunks that wait
	Text    string         `json:"text,omitempty"`    // why, in words
}

// A happening is what news tell of.
type happening string

const (
	isListed      happening = "listed"       // a chunk is seen by viewers
	hasFailed     happening = "failed"       // an attempt to upload it has
	isLost        happening = "lost"         // it was given up
	isSkipped     happening = "skipped"      // it was left out, as the config asks for
	waits         happening = "waiting"      // chunks are not listed although it is time
	passedUnseen  happening = "unseen"       // more chunks passed than the daemon remembers
	isAway        happening = "disconnected" // the daemon does not answer
	isBack        happening = "connected"    // it answers again
	wasRestarted  happening = "restarted"    // it is another process now
	streamUnknown happening = "unknown"      // it does not know the stream now
)

// A tracer knows what was printed of a stream.
type tracer struct {
	id      string
	last    int // how many chunks are printed that were there before
	started time.Time
	lost    happening         // isAway, streamUnknown; or "": the stream is seen
	known   map[passage]*told // nil: nothing is known yet
	warnAt  time.Duration     // how long the oldest chunk waits when that is printed next
}

// A passage tells a chunk from one that has its name later.
type passage struct {
	key string
	at  int64
}

// A told is what was printed of a chunk.
type told struct {
	attempt  int // the last one that failed
	finished bool
}

func (t *tracer) news(what happening, now time.Time) news {
	return news{At: now.UTC(), What: what, Stream: t.id}
}

// away applies that the daemon does not answer.
func (t *tracer) away(err error, now time.Time) []news {
	if t.lost == isAway {
		return nil
	}
	t.lost = isAway
	n := t.news(isAway, now)
	n.Text = err.Error()
	return []news{n}
}

// connected applies that a daemon answers that was started at a time.
func (t *tracer) connected(started, now time.Time) (lines []news) {
	switch {
	case !t.started.IsZero() && !started.Equal(t.started):
		n := t.news(wasRestarted, now)
		n.Text = "at " + started.Local().Format(time.TimeOnly)
		lines = append(lines, n)
		t.lost, t.warnAt, t.known = "", 0, make(map[passage]*told)
	case t.lost == isAway:
		lines = append(lines, t.news(isBack, now))
		t.lost = ""
	}
	t.started = started
	return lines
}

// unknown applies that the daemon does not know the stream.
func (t *tracer) unknown(now time.Time) []news {
	if t.lost == streamUnknown {
		return nil
	}
	t.lost = streamUnknown
	return []news{t.news(streamUnknown, now)}
}

// learn returns what is new of the stream.
func (t *tracer) learn(d api.Detail, now time.Time) (lines []news) {
	t.lost = ""
	before := t.known
	t.known = make(map[passage]*told, len(d.Recent))
	waiting, seenBefore, seenUpTo := []*paths.Chunk{}, false, time.Time{}
	for i := range d.Recent {
		c := &d.Recent[i]
		was := before[passageOf(c)]
		switch {
		case was != nil:
			seenBefore = true
		case before == nil && len(d.Recent)-i > t.last:
			was = toldBefore(c)
		default:
			was = &told{}
		}
		t.known[passageOf(c)] = was
		lines = append(lines, t.tell(c, was, before == nil, now)...)
		if c.Listed != nil && c.Closed != nil && c.Closed.After(seenUpTo) {
			seenUpTo = *c.Closed
		}
		if !was.finished && !isFinished(c) {
			waiting = append(waiting, c)
		}
	}
	if len(before) > 0 && len(d.Recent) > 0 && !seenBefore {
		lines = append([]news{t.news(passedUnseen, now)}, lines...)
	}
	waiting = slices.DeleteFunc(waiting, func(c *paths.Chunk) bool {
		return c.Kind != "chunk" || hasRolledOut(c, seenUpTo)
	})
	return append(lines, t.warn(d.Stream, waiting, now)...)
}

// hasRolledOut reports whether c is in the bucket and older than what viewers see: it has rolled out of
// its manifest.
func hasRolledOut(c *paths.Chunk, seenUpTo time.Time) bool {
	return c.Confirmed != nil && c.Closed != nil && c.Closed.Before(seenUpTo)
}

// toldBefore returns what counts as printed of a chunk that is older than what is to be printed.
func toldBefore(c *paths.Chunk) *told {
	was := &told{finished: isFinished(c)}
	if n := len(c.Failures); n > 0 {
		was.attempt = c.Failures[n-1].Attempt
	}
	return was
}

// tell returns what is new of a chunk.
func (t *tracer) tell(c *paths.Chunk, was *told, first bool, now time.Time) (lines []news) {
	add := func(what happening, at *time.Time) *news {
		n := t.news(what, now)
		n.Chunk = c
		if at != nil {
			n.At = *at
		}
		lines = append(lines, n)
		return &lines[len(lines)-1]
	}
	for i := range c.Failures {
		if f := &c.Failures[i]; f.Attempt > was.attempt {
			add(hasFailed, &f.At).Failure = f
			was.attempt = f.Attempt
		}
	}
	if was.finished || !isFinished(c) {
		return lines
	}
	was.finished = true
	switch {
	case c.Lost != nil:
		add(isLost, c.Lost).Text = c.Why
	case c.Skipped != nil:
		add(isSkipped, c.Skipped)
	case c.Lag != nil || first: // else an earlier run has uploaded it
		add(isListed, c.Listed)
	}
	return lines
}

// warn returns that chunks wait, if the oldest does so for longer than three target durations; and
// then each time that it waits for twice as long.
func (t *tracer) warn(s api.Stream, waiting []*paths.Chunk, now time.Time) []news {
	patience := health.Late * max(time.Duration(s.Target*float64(time.Second)), time.Second)
	var oldest *paths.Chunk
	for _, c := range waiting {
		if c.Closed != nil && (oldest == nil || c.Closed.Before(*oldest.Closed)) {
			oldest = c
		}
	}
	if oldest == nil || now.Sub(*oldest.Closed) <= patience {
		t.warnAt = 0
		return nil
	}
	waited := now.Sub(*oldest.Closed)
	if waited < t.warnAt {
		return nil
	}
	t.warnAt = 2 * waited
	n := t.news(waits, now)
	n.Chunk, n.Waiting, n.Text = oldest, len(waiting), s.Why
	return []news{n}
}

func passageOf(c *paths.Chunk) passage {
	p := passage{key: c.Key}
	if c.Closed != nil {
		p.at = c.Closed.UnixNano()
	}
	return p
}

// isFinished reports whether viewers see the chunk, or never will.
func isFinished(c *paths.Chunk) bool { return c.Listed != nil || c.Lost != nil || c.Skipped != nil }
