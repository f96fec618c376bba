package history

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC) }

// keep keeps h in a file until the returned function is called.
func keep(t *testing.T, h *History, file string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var keeping sync.WaitGroup
	keeping.Go(func() { h.Keep(ctx, file, func(err error) { t.Error(err) }) })
	return func() { cancel(); keeping.Wait() }
}

func texts(events []Event) (all []string) {
	for _, e := range events {
		all = append(all, fmt.Sprint(e.ID, " ", e.Text))
	}
	return all
}

func TestEventsSurviveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.jsonl")
	h := New(now)
	stop := keep(t, h, file)
	h.Add(Event{Kind: "stream_stalled", Stream: "g/s", Text: "one"})
	stop()
	h.Add(Event{Text: "after the end"})

	again := New(now)
	if err := again.Load(file); err != nil {
		t.Fatal(err)
	}
	stop = keep(t, again, file)
	again.Add(Event{Text: "two", Lasted: time.Minute})
	stop()

	third := New(now)
	if err := third.Load(file); err != nil {
		t.Fatal(err)
	}
	events, _ := third.Since(0)
	if got := strings.Join(texts(events), ", "); got != "1 one, 2 two" {
		t.Fatalf("the events are %s", got)
	}
	if e := events[0]; e.Kind != "stream_stalled" || e.Stream != "g/s" || !e.Time.Equal(now().Truncate(time.Millisecond)) {
		t.Errorf("an event is read as %+v", e)
	}
	if events[1].Lasted != time.Minute {
		t.Errorf("an event lasted %v", events[1].Lasted)
	}
}

func TestLinesThatAreNoEventsAreLeftOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.jsonl")
	content := `{"id":1,"text":"one"}` + "\nnonsense\n" + `{"id":2,"text":"` + strings.Repeat("x", 2*maxLine) + "\"}\n" +
		`{"id":1,"text":"again"}` + "\n" + `{"id":3,"text":"three"}` + "\n" + `{"id":4,"te`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	h := New(now)
	if err := h.Load(file); err != nil {
		t.Fatal(err)
	}
	events, _ := h.Since(0)
	if got := strings.Join(texts(events), ", "); got != "1 one, 3 three" {
		t.Errorf("the events are %s", got)
	}
}

func TestMemoryAndFileAreBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.jsonl")
	h := New(now)
	stop := keep(t, h, file)
	for n := range 5 * Max {
		h.Add(Event{Text: fmt.Sprint(n)})
	}
	stop()
	h.Add(Event{Text: strings.Repeat("x", 1<<20)})
	events, _ := h.Since(0)
	if n := len(events); n < Max || n > Max+Max/10 {
		t.Errorf("%d events are in memory", n)
	}
	if last := events[len(events)-1]; last.ID != 5*Max+1 || len(last.Text) > maxText+3 {
		t.Errorf("the last one is %d, with a text of %d bytes", last.ID, len(last.Text))
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(content), "\n"); n < Max || n > 2*Max+Max/10 {
		t.Errorf("%d events are in the file", n)
	}
	if !strings.Contains(string(content), fmt.Sprintf(`"text":"%d"`, 5*Max-1)) {
		t.Errorf("the last event is not in the file, which ends with %s", content[max(0, len(content)-300):])
	}
}

func TestReaderIsToldOfNewEvents(t *testing.T) {
	h := New(now)
	h.Add(Event{Text: "one"})
	events, more := h.Since(0)
	select {
	case <-more:
		t.Fatal("it is told of events that there are not")
	default:
	}
	h.Add(Event{Text: "two"})
	<-more
	if events, _ = h.Since(events[0].ID); len(events) != 1 || events[0].Text != "two" {
		t.Errorf("the events since are %+v", events)
	}
	if events, _ = h.Since(99); len(events) != 2 {
		t.Errorf("since an event of a history that was lost: %d events, want all", len(events))
	}
}

// A state directory that cannot be written is told of once, and the history goes on in memory.
func TestFileThatCannotBeWrittenIsToldOfOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	h := New(now)
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan error, 10)
	var keeping sync.WaitGroup
	keeping.Go(func() { h.Keep(ctx, filepath.Join(dir, "events.jsonl"), func(err error) { told <- err }) })
	h.Add(Event{Text: "one"})
	<-told
	h.Add(Event{Text: "two"})
	cancel()
	keeping.Wait()
	if len(told) > 0 {
		t.Error("it is told of more than once")
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	stop := keep(t, h, filepath.Join(dir, "events.jsonl"))
	stop()
	again := New(now)
	if err := again.Load(filepath.Join(dir, "events.jsonl")); err != nil {
		t.Fatal(err)
	}
	if events, _ := again.Since(0); len(events) != 2 {
		t.Errorf("%d events are kept when the directory is back", len(events))
	}
}

// The events of one stream are those of its format or of none, the last ones, in their order.
func TestEventsOfOneStream(t *testing.T) {
	h := New(time.Now)
	long := strings.Repeat("a", 2*maxText)
	for n := range 5 {
		h.Add(Event{Format: "HLS", Stream: "g/s", Text: fmt.Sprint(n)})
		h.Add(Event{Format: "DASH", Stream: "g/s"})
		h.Add(Event{Format: "HLS", Stream: "g/other"})
		h.Add(Event{Format: "HLS", Stream: long})
	}
	got := h.Of("HLS", "g/s", 3)
	if len(got) != 3 || got[0].Text != "2" || got[2].Text != "4" {
		t.Errorf("%+v, want the last three", got)
	}
	if n := len(h.Of("HLS", long, 50)); n != 5 {
		t.Errorf("%d events of a stream with a long name, want 5", n)
	}
	h.Add(Event{Stream: "g/s", Text: "chunk is lost"})
	if got := h.Of("HLS", "g/s", 1); len(got) != 1 || got[0].Text != "chunk is lost" {
		t.Errorf("%+v, want the trouble", got)
	}
	if got := h.Of("HLS", "unknown", 50); got == nil || len(got) > 0 {
		t.Errorf("%+v, want an empty list", got)
	}
}
