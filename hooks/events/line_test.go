package events

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"ems-sidecar/internal/trouble"
)

// begin runs a line for the length of the test.
func begin(t *testing.T, handle func(context.Context, Event), look func(string)) *line {
	t.Helper()
	l := newLine(func(typ Type) bool { return typ != "unwanted" }, handle, look, &counts{}, trouble.New(slog.New(slog.DiscardHandler), time.Now))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l
}

// What events were lost has the server looked at: at once, then at most once in lookPause, and for
// the last one, too.
func TestLooksAreAtLeastLookPauseApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var looks []string
		l := begin(t, ignore, func(reason string) { looks = append(looks, fmt.Sprint(time.Since(began), " ", reason)) })
		join := func(after time.Duration, id uint64, process int64) {
			time.Sleep(time.Until(began.Add(after)))
			l.join(Event{ID: id, ProcessID: process, Timestamp: 1000 + process, Type: "x"})
			synctest.Wait()
		}
		join(0, 1, 1)
		join(0, 3, 1)
		join(time.Second, 5, 1)
		join(2*time.Second, 7, 1)
		join(6*time.Second, 1, 2)
		for range 1000 {
			l.ask("an event that is not understood")
		}
		join(7*time.Second, 2, 2)
		join(20*time.Second, 3, 2)
		l.ask("an event that is not understood")
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{
			"100ms ids of events are missing", "5.1s ids of events are missing", "6s the media server was restarted", "11s an event that is not understood",
			"20s an event that is not understood",
		}
		if !slices.Equal(looks, want) {
			t.Errorf("%q", looks)
		}
	})
}

func TestEventsOfOneStreamThatAreTooManyAreDroppedOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var handled []uint64
		var looks []string
		l := begin(t, func(_ context.Context, e Event) {
			<-release
			handled = append(handled, e.ID)
		}, func(reason string) { looks = append(looks, reason) })
		const sent = 1 + maxPerStream + 10
		for id := uint64(1); id <= sent; id++ {
			l.join(Event{ID: id, ProcessID: 1, Type: "x", Name: "cam", size: 7})
			synctest.Wait()
		}
		if dropped(l) != 10 || l.counts.waiting.Load() != 7*maxPerStream {
			t.Errorf("%d dropped, %d bytes wait", dropped(l), l.counts.waiting.Load())
		}
		close(release)
		synctest.Wait()
		if len(handled) != 1+maxPerStream || handled[0] != 1 || handled[1] != 12 || !slices.IsSorted(handled) || l.counts.waiting.Load() != 0 {
			t.Errorf("%v, %d bytes wait", handled, l.counts.waiting.Load())
		}
		if !slices.Equal(looks, []string{"events were dropped"}) {
			t.Errorf("%q", looks)
		}
	})
}

func TestStreamsThatAreTooManyAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		handled := make(chan Event, 2*maxStreams)
		l := begin(t, func(_ context.Context, e Event) {
			<-release
			handled <- e
		}, unseen)
		for id := uint64(1); id <= maxStreams+5; id++ {
			l.join(Event{ID: id, ProcessID: 1, Type: "x", Name: fmt.Sprint(id)})
			synctest.Wait()
		}
		close(release)
		synctest.Wait()
		if len(handled) != maxStreams || dropped(l) != 5 || len(l.queues) != 0 || len(l.ready) != 0 {
			t.Errorf("%d handled, %d dropped, %d queues are left", len(handled), dropped(l), len(l.queues))
		}
	})
}

func TestBytesThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		l := begin(t, func(ctx context.Context, _ Event) { <-ctx.Done() }, func(string) { looks++ })
		for id := uint64(1); id <= 1+workers; id++ { // one waits
			l.join(Event{ID: id, ProcessID: 1, Type: "x", Name: fmt.Sprint(id), size: maxWaiting - 10})
			synctest.Wait()
		}
		if dropped(l) != 0 || l.counts.waiting.Load() != maxWaiting-10 {
			t.Errorf("%d dropped, %d bytes wait", dropped(l), l.counts.waiting.Load())
		}
		l.join(Event{ID: 2 + workers, ProcessID: 1, Type: "x", Name: "cam", size: 11})
		l.join(Event{ID: 2 + workers, ProcessID: 1, Type: "x", Name: "cam", size: 10})
		synctest.Wait()
		if dropped(l) != 1 || l.counts.waiting.Load() != maxWaiting || looks != 1 {
			t.Errorf("%d dropped, %d bytes wait, %d looks", dropped(l), l.counts.waiting.Load(), looks)
		}
	})
}

// Unwanted events have ids, too.
func TestUnwantedEventsAreNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled []uint64
		l := begin(t, func(_ context.Context, e Event) { handled = append(handled, e.ID) }, func(reason string) { t.Error(reason) })
		for id := uint64(1); id <= 50; id++ {
			typ := "unwanted"
			if id%10 == 0 {
				typ = "x"
			}
			l.join(Event{ID: id, ProcessID: 1, Type: Type(typ), Name: "cam", size: 7})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(handled, []uint64{10, 20, 30, 40, 50}) || l.counts.waiting.Load() != 0 || l.counts.taken["other"] != 45 || l.counts.taken["x"] != 5 {
			t.Errorf("%v, %d bytes wait, %v", handled, l.counts.waiting.Load(), l.counts.taken)
		}
	})
}

func TestTypesThatAreCountedAreBounded(t *testing.T) {
	var c counts
	for i := range 10 * maxTypes {
		c.take(Type(fmt.Sprint(i)))
	}
	if len(c.taken) > maxTypes+1 || c.taken["other"] != 9*maxTypes || c.taken["1"] != 1 {
		t.Errorf("%d types, %d others", len(c.taken), c.taken["other"])
	}
}

func TestOverheadIsThatOfAnEvent(t *testing.T) {
	if size := unsafe.Sizeof(Event{}); size > overhead {
		t.Errorf("an event has %d bytes", size)
	}
}

// dropped returns how many events were dropped.
func dropped(l *line) (n uint64) {
	for _, c := range l.trouble.Counts() {
		if c.Kind == eventDropped.Kind {
			n += c.Times
		}
	}
	return n
}
