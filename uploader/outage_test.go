package uploader

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/internal/trouble"
)

// An outage is three events, however many streams it hits: its beginning, its end, and when all
// streams are current again.
func TestOutageIsThreeEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reporter := trouble.New(slog.New(slog.DiscardHandler), time.Now)
		var mu sync.Mutex
		var events []trouble.Event
		reporter.Tell(func(e trouble.Event) {
			mu.Lock()
			defer mu.Unlock()
			if strings.HasPrefix(e.Kind, "bucket_") {
				events = append(events, e)
			}
		})
		var seen changes
		d := newDesk(t, Settings{Trouble: reporter, Changed: seen.add})
		var away atomic.Bool
		d.bucket.before = func(context.Context, string) error {
			if away.Load() {
				return errors.New("connection refused")
			}
			return nil
		}
		d.start()
		both := func(from, to int) {
			var playing sync.WaitGroup
			for _, stream := range []string{"g/a", "g/b"} {
				playing.Go(func() { d.live(stream, from, to, 2*time.Second) })
			}
			playing.Wait()
		}
		both(1, 5)
		away.Store(true)
		both(6, 28)
		away.Store(false)
		both(29, 45)
		if n := len(seen.take()); n != 6 {
			t.Errorf("%d changes of the two streams, want that each is live, failing and live", n)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, n := range reporter.Counts() {
			if n.Kind == "stream_failing" {
				t.Errorf("%s is a line of its own, although it is the bucket's trouble", n.Stream)
			}
		}
		texts := make([]string, len(events))
		for i, e := range events {
			texts[i] = e.Text
			if e.Level != slog.LevelError {
				t.Errorf("%q has level %v: not that of the others", e.Text, e.Level)
			}
		}
		want := []string{"bucket serves no requests, uploads to it wait: connection refused", "bucket accepts requests again",
			"bucket is back, and its streams are current again (outage="}
		if !slices.EqualFunc(texts, want, strings.HasPrefix) {
			t.Fatalf("the events are %q, want %q", texts, want)
		}
		if !strings.Contains(texts[2], "streams=2") {
			t.Errorf("%q does not say that there were 2 streams", texts[2])
		}
		if lasted := events[1].Lasted; lasted < 30*time.Second || lasted > 50*time.Second {
			t.Errorf("the bucket was away for 46 s, and %v are reported", lasted)
		}
	})
}
