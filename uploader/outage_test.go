package uploader

import (
	"context"
	"errors"
	"fmt"
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

// In an outage, the log does not grow with the streams.
func TestR10UploadsThatFailAtOneBucketAreOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		var away atomic.Bool
		d.bucket.before = func(context.Context, string) error {
			if away.Load() {
				return errors.New("connection refused")
			}
			return nil
		}
		d.start()
		all := func(from, to int) {
			var playing sync.WaitGroup
			for n := range 20 {
				playing.Go(func() { d.live(fmt.Sprintf("g/%d", n), from, to, 2*time.Second) })
			}
			playing.Wait()
		}
		all(1, 5)
		away.Store(true)
		all(6, 20)
		away.Store(false)
		all(21, 25)
		// One before it is known that others fail, and one for all.
		if lines := d.log.lines(slog.LevelWarn, "upload failed"); len(lines) == 0 || len(lines) > 2 {
			t.Errorf("%d lines tell that uploads fail: %q", len(lines), lines)
		}
		failed := 0
		for _, n := range d.up.settings.Trouble.Counts() {
			if n.Kind == "upload_failed" {
				failed++
			}
		}
		if failed != 20 {
			t.Errorf("failures of %d streams are counted, want 20", failed)
		}
	})
}

// A stream that fails with its bucket, and goes on failing alone, has a line of its own then.
func TestStreamThatFailsOnAfterAnOutageHasALineOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen changes
		d := newDesk(t, Settings{Changed: seen.add})
		var away, broken atomic.Bool
		d.bucket.before = func(_ context.Context, key string) error {
			if away.Load() || broken.Load() && strings.Contains(key, "g/a/") {
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
		if lines := d.log.lines(slog.LevelWarn, "stream cannot be published"); len(lines) > 0 {
			t.Errorf("logged in the outage: %q", lines)
		}
		broken.Store(true)
		away.Store(false)
		both(29, 60)
		lines := d.log.lines(slog.LevelWarn, "stream cannot be published")
		if len(lines) != 1 || !strings.Contains(lines[0], "g/a") {
			t.Errorf("logged after the outage: %q, want one line on g/a", lines)
		}
		broken.Store(false)
		both(61, 80)
		if lines := d.log.lines(slog.LevelWarn, "stream is published again"); len(lines) != 1 {
			t.Errorf("logged at the end: %q, want one line", lines)
		}
		if got := seen.take(); len(got) != 6 {
			t.Errorf("the changes are %q, want that each stream is live, failing and live", got)
		}
	})
}
