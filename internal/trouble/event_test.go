package trouble

import (
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// listen returns the events that b tells from now on.
func (b *bench) listen() *[]Event {
	events := new([]Event)
	b.Tell(func(e Event) { *events = append(*events, e) })
	return events
}

func expectEvents(t *testing.T, got *[]Event, want ...Event) {
	t.Helper()
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("events\n\t%+v\nwant\n\t%+v", *got, want)
	}
	*got = nil
}

func TestConditionIsAnEventWhenItBeginsAndWhenItEnds(t *testing.T) {
	b := newBench()
	events := b.listen()
	r, at := b.With("root", "/srv"), At{Subject: "a"}
	r.Begin(silent, at, "path", "g/s", "err", errors.New("refused"), "next", "it is asked again")
	r.Begin(silent, at, "err", errors.New("refused"))
	b.now = b.now.Add(46 * time.Second)
	r.End(silent, at, "path", "g/s")
	r.End(silent, at)
	expectEvents(t, events,
		Event{Kind: "server_silent", Level: slog.LevelError, Text: "server does not answer: refused (path=g/s, root=/srv)"},
		Event{Kind: "server_silent", Level: slog.LevelError, Text: "server answers again (path=g/s, root=/srv)",
			Lasted: 46 * time.Second})
}

func TestConditionOfWhichItsOwnerTellsIsNoEvent(t *testing.T) {
	b := newBench()
	events := b.listen()
	c := silent
	c.Untold = true
	b.Begin(c, At{})
	b.End(c, At{})
	expectEvents(t, events)
	b.expect(t, "ERROR server does not answer", "ERROR server answers again lasted=0")
}

// A failure that goes on for hours is two events: the others would drive all else out of a list of
// the last ones.
func TestRepeatsOfAFailureAreOneEventWhenTheyAreOver(t *testing.T) {
	b := newBench()
	events := b.listen()
	at := At{Stream: "g/s"}
	for n := range 180 {
		b.Report(uploadFailed, at, "key", n, "err", errors.New("refused"))
		b.now = b.now.Add(time.Minute)
		b.Sweep()
	}
	first := Event{Kind: "upload", Level: slog.LevelWarn, Stream: "g/s", Text: "upload failed: refused (key=0)"}
	expectEvents(t, events, first)
	b.Sweep()
	expectEvents(t, events, Event{Kind: "upload", Level: slog.LevelWarn, Stream: "g/s",
		Text: "179 more times: upload failed: refused (key=179)", Lasted: 179 * time.Minute})
	b.Sweep()
	expectEvents(t, events)
}

func TestNoticeIsLoggedAndAnEventAndNotCounted(t *testing.T) {
	b := newBench()
	events := b.listen()
	pushed := Notice{Kind: "action", Level: slog.LevelInfo, Message: "stream is pushed"}
	b.Note(pushed, At{}, slog.String("stream", "cam"), "key", "k")
	b.expect(t, "INFO stream is pushed stream=cam key=k")
	expectEvents(t, events, Event{Kind: "action", Level: slog.LevelInfo, Stream: "cam", Text: "stream is pushed (key=k)"})
	b.counted(t)
	for range 3 * maxLines {
		b.Note(pushed, At{Stream: "cam"})
	}
	if n := len(*events); n != maxLines-1 {
		t.Errorf("%d events of one kind in a minute, want %d", n, maxLines-1)
	}
}

func TestTextOfAnEventIsBounded(t *testing.T) {
	b := newBench()
	events := b.listen()
	long := strings.Repeat("ä", 4000)
	b.Report(uploadFailed, At{Stream: long}, "err", long, "key", long, "a", long, "b", long)
	e := (*events)[0]
	if len(e.Text) > maxText+len("…") || len(e.Stream) > maxStream+len("…") {
		t.Errorf("%d bytes of text and %d of the stream's name", len(e.Text), len(e.Stream))
	}
}
