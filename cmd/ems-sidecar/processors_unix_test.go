//go:build unix

package main

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// One thread does little work, and all of them do more at once. What comes and goes changes nothing.
func TestLittleWorkHasOneThread(t *testing.T) {
	for name, c := range map[string]struct {
		shares []float64
		want   string // what the crew is after each: (1) thread, or (a)ll
	}{
		"the start is busy":        {[]float64{1.8, 0.9}, "aa"},
		"little work":              {repeated(0.05, 11), "aaaaaaaaa11"},
		"a peak":                   {append(repeated(0.05, 9), 0.25, 0.05, 0.05), "aaaaaaaaaaaa"},
		"more work":                {append(repeated(0.05, 10), 0.31, 0.05), "aaaaaaaaa1aa"},
		"between the two":          {append(repeated(0.05, 10), 0.2, 0.3), "aaaaaaaaa111"},
		"much, and little again":   {append(append(repeated(0, 10), 0.9), repeated(0, 10)...), "aaaaaaaaa1aaaaaaaaaa1"},
		"always between the two":   {repeated(0.25, 12), strings.Repeat("a", 12)},
		"a clock that stood still": {[]float64{0, 0}, "aa"},
	} {
		var got strings.Builder
		var crew crew
		for _, share := range c.shares {
			was := crew.alone
			if changes := crew.observe(share); changes != (crew.alone != was) {
				t.Errorf("%s: it says that it changes: %v", name, changes)
			}
			if crew.alone {
				got.WriteByte('1')
			} else {
				got.WriteByte('a')
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: %s, want %s", name, got.String(), c.want)
		}
	}
}

func repeated(share float64, times int) (shares []float64) {
	for range times {
		shares = append(shares, share)
	}
	return shares
}

// What is decided is applied, until the daemon ends. Go's own number is back then.
func TestThreadsFollowTheWork(t *testing.T) {
	usual := runtime.GOMAXPROCS(0)
	t.Setenv("GOMAXPROCS", "")
	synctest.Test(t, func(t *testing.T) {
		wants := func(when string, want int) {
			t.Helper()
			synctest.Wait()
			if got := runtime.GOMAXPROCS(0); got != want {
				t.Errorf("%s: %d threads, want %d", when, got, want)
			}
		}
		stop := beside(adaptProcessors)
		time.Sleep(quietFor - usageEvery)
		wants("at the start", usual)
		time.Sleep(2 * usageEvery)
		wants("with little work", 1)
		for begin := processorTime(); processorTime()-begin < usageEvery/2; { // the clock stands still meanwhile
		}
		time.Sleep(usageEvery)
		wants("with much work", usual)
		time.Sleep(quietFor + usageEvery)
		wants("with little work again", 1)
		stop()
		wants("at the end", usual)
	})
	t.Setenv("GOMAXPROCS", "3")
	synctest.Test(t, func(t *testing.T) {
		stop := beside(adaptProcessors)
		time.Sleep(2 * quietFor)
		if got := runtime.GOMAXPROCS(0); got != usual {
			t.Errorf("the environment sets it, and there are %d threads", got)
		}
		stop()
	})
}
