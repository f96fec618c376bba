package uploader

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
		if rs.enter(time.Second, false).Begin() {
			begun++
		}
	}
	if begun < 490 || begun > 500 {
		t.Errorf("of 10,000 uploads that were late, %d have a second request", begun)
	}
	var late []*race
	for range 10_000 {
		late = append(late, rs.enter(time.Second, false))
	}
	begun = 0
	for _, r := range late {
		if r.Begin() {
			begun++
		}
	}
	if begun != mostRaces {
		t.Errorf("%d second requests are sent at once, want %d", begun, mostRaces)
	}
}

func TestARaceTellsItsOutcome(t *testing.T) {
	failed := errors.New("reset")
	for name, c := range map[string]struct {
		begins             bool
		first, second, err error
		want               publish.Race
		throttled          bool
	}{
		"none":                     {want: publish.NotRaced},
		"none, and throttled":      {err: ErrThrottled, want: publish.NotRaced, throttled: true},
		"the first wins":           {begins: true, second: context.Canceled, want: publish.FirstWins},
		"the second wins":          {begins: true, first: context.Canceled, want: publish.SecondWins},
		"the first was throttled":  {begins: true, first: ErrThrottled, want: publish.SecondWins, throttled: true},
		"both fail":                {begins: true, second: failed, err: failed, want: publish.NeitherWins},
		"the second was throttled": {begins: true, second: fmt.Errorf("put: %w", ErrThrottled), want: publish.FirstWins, throttled: true},
	} {
		rs := races{left: 2}
		r := rs.enter(time.Second, false)
		if c.begins {
			r.Begin()
			first := Ending{Err: c.first, At: time.Now()}
			r.End(first, Ending{Err: c.second, At: first.At.Add(1)})
		}
		if got := r.outcome(c.err); got != c.want || r.throttled(c.err) != c.throttled {
			t.Errorf("%s: %q, throttled: %t", name, got, r.throttled(c.err))
		}
	}
	if none := (*race)(nil); none.outcome(nil) != publish.NotRaced || none.throttled(nil) || !none.throttled(ErrThrottled) {
		t.Error("an upload that may not be raced has another outcome")
	}
}

// What the answer to the other request of a manifest tells.
func TestR3RaceThatIsSettledTellsWhetherARequestIsLate(t *testing.T) {
	at, none, refusal := time.Now(), errors.New("no answer"), fmt.Errorf("put: %w", ErrPermanent)
	for name, c := range map[string]struct {
		first, second Ending
		longer        time.Duration
		late          bool
		want          publish.Race
	}{
		"the first is slow":         {Ending{nil, at.Add(3 * time.Second)}, Ending{nil, at}, 3 * time.Second, false, publish.SecondWins},
		"the second is slow":        {Ending{nil, at}, Ending{nil, at.Add(time.Second)}, time.Second, false, publish.FirstWins},
		"the first has no answer":   {Ending{none, at.Add(time.Second)}, Ending{nil, at}, time.Second, true, publish.SecondWins},
		"the second has no answer":  {Ending{nil, at.Add(time.Second)}, Ending{none, at}, 0, true, publish.FirstWins},
		"the second is refused":     {Ending{nil, at}, Ending{refusal, at}, 0, false, publish.FirstWins},
		"the first was not applied": {Ending{refusal, at}, Ending{nil, at}, 0, false, publish.SecondWins},
	} {
		rs := races{left: 2}
		r := rs.enter(time.Second, true)
		r.Begin()
		r.End(c.first, c.second)
		if longer, late := r.settled(nil); longer != c.longer || late != c.late || r.outcome(nil) != c.want {
			t.Errorf("%s: %v longer, late: %t, %q", name, longer, late, r.outcome(nil))
		}
		if _, late := r.settled(none); late {
			t.Errorf("%s: a PUT that failed is late besides", name)
		}
	}
	rs := races{left: 2}
	chunk := rs.enter(time.Second, false)
	chunk.Begin()
	chunk.End(Ending{none, at}, Ending{nil, at})
	if _, late := chunk.settled(nil); late {
		t.Error("the request for a chunk that lost is late")
	}
}

// What the schedule decides reaches the Store. Both answers are waited for of manifests alone.
func TestUploadsAreRacedAtABucketThatIsSlowAtTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{Workers: 4})
		d.bucket.before = func(context.Context, string) error { time.Sleep(100 * time.Millisecond); return nil }
		var mu sync.Mutex // guards raced
		raced := make(map[string]Race)
		d.bucket.racing = func(key string, r Race) {
			mu.Lock()
			defer mu.Unlock()
			raced[key] = r
		}
		d.start()
		for n := 1; n <= 120; n++ {
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
			d.close("g/s/playlist.m3u8", playlist(n, n))
			time.Sleep(time.Second)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(raced) < 2 || raced["g/s/playlist.m3u8"] == nil {
			t.Error("no playlist, or no chunk, may have a second request")
		}
		for key, r := range raced {
			if after := r.After(); after < 100*time.Millisecond || after > 110*time.Millisecond {
				t.Errorf("%s may have a second request after %v", key, after)
			}
			if r.Settles() != (key == "g/s/playlist.m3u8") {
				t.Errorf("%s: both answers are waited for: %t", key, r.Settles())
			}
		}
	})
}
