package clock_test

import (
	"testing"
	"time"

	"ems-sidecar/internal/clock"
	"ems-sidecar/internal/clock/testclock"
)

func TestTimesGoByTheClockThatDoesNotJump(t *testing.T) {
	began := time.Now()
	for _, by := range []time.Duration{-24 * time.Hour, -time.Second, 0, time.Second, 24 * time.Hour} {
		now := testclock.Set(began.Add(time.Minute), by)
		file := now.Add(-10 * time.Second).Round(0)
		if age := now.Sub(clock.Moment(file, now)); age != 10*time.Second {
			t.Errorf("set by %v: the file is %v old, want 10s", by, age)
		}
		if after := clock.Moment(file, now).Sub(began); after != 50*time.Second {
			t.Errorf("set by %v: the file was written %v after the start, want 50s", by, after)
		}
		if age := now.Round(0).Sub(clock.Wall(began, now)); age != time.Minute {
			t.Errorf("set by %v: the start was %v ago by the wall clock, want 1m0s", by, age)
		}
		if file := clock.Wall(file, now); !file.Equal(now.Add(-10 * time.Second)) {
			t.Errorf("set by %v: a time of the wall clock has become %v", by, file)
		}
	}
}

// The page is told what has changed: a time that flickers would be told again and again.
func TestWallTimeStaysTheSame(t *testing.T) {
	began := time.Now()
	for _, by := range []time.Duration{0, -time.Hour} {
		first := clock.Wall(began, testclock.Set(began, by))
		apart := testclock.Set(began.Add(time.Microsecond), by)
		later := clock.Wall(began.Add(time.Microsecond), apart.Add(time.Hour))
		if !later.Equal(first.Add(time.Microsecond)) {
			t.Errorf("set by %v: %v, then %v", by, first, later)
		}
	}
}
