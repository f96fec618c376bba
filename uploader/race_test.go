package uploader

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/uploader/publish"
)

// At most one request in twenty is a second one, also if the store stops answering all at once.
func TestRacesCostFewRequests(t *testing.T) {
	var rs races
	begun := 0
	for range 10_000 {
		if rs.enter(time.Second).Begin() {
			begun++
		}
	}
	if begun < 490 || begun > 500 {
		t.Errorf("of 10,000 uploads that were late, %d have a second request", begun)
	}
	for range 10_000 {
		rs.enter(0)
	}
	for begun = 0; rs.enter(time.Second).Begin(); {
		begun++
	}
	if begun > mostRaces {
		t.Errorf("%d second requests are sent at once", begun)
	}
}

func TestARaceTellsItsOutcome(t *testing.T) {
	failed := errors.New("reset")
	for name, c := range map[string]struct {
		begins, won bool
		second, err error
		want        publish.Race
		throttled   bool
	}{
		"none":                     {want: publish.NotRaced},
		"none, and throttled":      {err: ErrThrottled, want: publish.NotRaced, throttled: true},
		"the first wins":           {begins: true, second: context.Canceled, want: publish.FirstWins},
		"the second wins":          {begins: true, won: true, want: publish.SecondWins},
		"both fail":                {begins: true, second: failed, err: failed, want: publish.NeitherWins},
		"the second was throttled": {begins: true, second: fmt.Errorf("put: %w", ErrThrottled), want: publish.FirstWins, throttled: true},
	} {
		rs := races{left: 2}
		r := rs.enter(time.Second)
		if c.begins {
			r.Begin()
			r.End(c.won, c.second)
		}
		if got := r.outcome(c.err); got != c.want || r.throttled(c.err) != c.throttled {
			t.Errorf("%s: %q, throttled: %t", name, got, r.throttled(c.err))
		}
	}
	if none := (*race)(nil); none.outcome(nil) != publish.NotRaced || none.throttled(nil) || !none.throttled(ErrThrottled) {
		t.Error("an upload that may not be raced has another outcome")
	}
}

// What the schedule decides reaches the Store, and only for chunks.
func TestChunksAreRacedAtABucketThatIsSlowAtTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{Workers: 4})
		d.bucket.before = func(context.Context, string) error { time.Sleep(100 * time.Millisecond); return nil }
		raced := make(map[string]time.Duration)
		d.bucket.racing = func(key string, r Race) { raced[key] = r.After() }
		d.start()
		for n := 1; n <= 120; n++ {
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
			d.close("g/s/playlist.m3u8", playlist(n, n))
			time.Sleep(time.Second)
		}
		if len(raced) == 0 {
			t.Error("no chunk may have a second request")
		}
		for key, after := range raced {
			if key == "g/s/playlist.m3u8" || after < 100*time.Millisecond || after > 110*time.Millisecond {
				t.Errorf("%s may have a second request after %v", key, after)
			}
		}
	})
}
