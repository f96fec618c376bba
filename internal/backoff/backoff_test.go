package backoff_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"ems-sidecar/internal/backoff"
)

// whole is the longest pause that a random source can lead to.
func whole(d time.Duration) time.Duration { return d }

func TestPausesDoubleUpToTheLongest(t *testing.T) {
	for _, c := range []struct {
		failures    int
		first, most time.Duration
		want        time.Duration
	}{
		{1, time.Second, time.Minute, time.Second},
		{2, time.Second, time.Minute, 2 * time.Second},
		{6, time.Second, time.Minute, 32 * time.Second},
		{7, time.Second, time.Minute, time.Minute},
		{math.MaxInt, time.Second, time.Minute, time.Minute},
		{1, time.Minute, time.Second, time.Second},
		{0, time.Second, time.Minute, time.Second}, // as after the first
		{40, 1, math.MaxInt64 - time.Millisecond, 1 << 39},
	} {
		if got := backoff.Jitter(whole).After(c.failures, c.first, c.most); got != c.want+time.Millisecond {
			t.Errorf("after %d failures, from %v up to %v: %v", c.failures, c.first, c.most, got)
		}
	}
}

func TestPausesAreSpreadOverTheirWholeLengthAndNeverZero(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	jitter := backoff.Jitter(func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) })
	early, late := 0, 0
	for range 1000 {
		switch d := jitter.After(3, time.Second, time.Minute); {
		case d <= 0 || d > 4*time.Second+time.Millisecond:
			t.Fatalf("a pause of %v", d)
		case d < time.Second:
			early++
		case d > 3*time.Second:
			late++
		}
	}
	if early < 150 || late < 150 { // a quarter each is expected
		t.Errorf("%d pauses in the first quarter, %d in the last", early, late)
	}
}
