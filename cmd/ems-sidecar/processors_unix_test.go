//go:build unix

package main

import (
	"strings"
	"testing"
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
