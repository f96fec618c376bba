package trouble

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// An Event is what a Reporter logged, for another reader than that of the log. The repeats of a
// failure are summed up in one event, when a minute has passed without one.
type Event struct {
	Kind   string
	Level  slog.Level
	Stream string
	Text   string        // for people
	Lasted time.Duration // of what is over; 0: it begins, or is over at once
}

// A Notice is what operators look for later, and no trouble: an order to a server, a recovery of
// several things at once. It is not counted.
type Notice struct {
	Kind    string // as in Failure
	Level   slog.Level
	Message string
}

// Note logs a notice. Of one kind, at most maxLines a minute are events, and none at the level Debug.
func (r *Reporter) Note(n Notice, at At, attrs ...any) {
	r.write(n.Level, n.Message, at.Stream, attrs)
	if n.Level < slog.LevelInfo {
		return
	}
	r.mu.Lock()
	told := r.mayLog(n.Kind)
	r.mu.Unlock()
	if told {
		r.tell(n.Kind, n.Level, n.Message, at.Stream, attrs, 0)
	}
}

// Tell sets who is told of events. It is called before all else. What it is given is called by
// those who report, from any goroutine, and must not block.
func (r *Reporter) Tell(listener func(Event)) { r.listener = listener }

// tell tells the listener of an event with the attributes of its log line.
func (r *Reporter) tell(kind string, level slog.Level, message, stream string, attrs []any, lasted time.Duration) {
	if r.listener != nil {
		r.listener(newEvent(kind, level, message, stream, slices.Concat(attrs, r.attrs), lasted))
	}
}

// unshown are the attributes that an event does not show: its other fields have them, or they say
// what was about to follow.
var unshown = []string{"stream", "err", "why", "next", "hint", "attempt", "retry_in", "lasted", "every"}

func newEvent(kind string, level slog.Level, message, stream string, attrs []any, lasted time.Duration) Event {
	var cause string
	var rest []string
	for _, a := range kept(attrs) {
		switch {
		case a.Key == "stream":
			stream = a.Value.String()
		case a.Key == "err", a.Key == "why":
			cause = ": " + a.Value.String()
		case !slices.Contains(unshown, a.Key):
			rest = append(rest, fmt.Sprintf("%s=%v", a.Key, a.Value))
		}
	}
	e := Event{Kind: kind, Level: level, Stream: short(stream, maxStream), Text: message + cause, Lasted: lasted}
	if len(rest) > 0 {
		e.Text += " (" + strings.Join(rest, ", ") + ")"
	}
	e.Text = short(e.Text, maxText)
	return e
}

// sum returns the event that sums up the repeats.
func (t *total) sum() Event {
	e := t.event
	e.Lasted = t.last.Sub(t.first)
	e.Text = short(fmt.Sprintf("%d more times: %s", t.repeats, e.Text), maxText)
	return e
}

// event returns the line as an event.
func (l *line) event(kind string) Event {
	attrs := make([]any, 0, len(l.attrs)+len(l.with))
	for _, a := range l.attrs {
		attrs = append(attrs, a)
	}
	return newEvent(kind, l.level, l.message, "", append(attrs, l.with...), 0)
}
