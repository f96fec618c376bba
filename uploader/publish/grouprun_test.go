package publish

import (
	"slices"
	"testing"
	"time"

	"ems-sidecar/hls"
)

// Runs are given by the seconds at which they begin, and at which half of the last segment is over.
func TestR3RunHasOneNumberInAllVariants(t *testing.T) {
	at := func(began, late int) span {
		zero := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
		return span{began: zero.Add(time.Duration(began) * time.Second), late: zero.Add(time.Duration(late) * time.Second)}
	}
	shown := func(began, late int, number uint64) shownRun { return shownRun{at(began, late), number} }
	run := at(100, 120)
	for name, c := range map[string]struct {
		shown   []shownRun
		waiting []span
		want    uint64
	}{
		"another variant has it":                 {[]shownRun{shown(0, 20, 3), shown(101, 121, 7)}, nil, 7},
		"none has it":                            {[]shownRun{shown(0, 20, 3), shown(1, 21, 2)}, nil, 4},
		"another one waits before it":            {[]shownRun{shown(0, 20, 3)}, []span{at(50, 60)}, 5},
		"the same one waits in two variants":     {[]shownRun{shown(0, 20, 3)}, []span{at(50, 60), at(51, 61)}, 5},
		"one waits that another variant has":     {[]shownRun{shown(0, 20, 3), shown(50, 60, 4)}, []span{at(51, 61)}, 5},
		"one waits behind it":                    {[]shownRun{shown(0, 20, 3)}, []span{at(150, 160)}, 4},
		"a variant has only a later run":         {[]shownRun{shown(150, 160, 9)}, nil, 8},
		"and another one waits in between":       {[]shownRun{shown(150, 160, 9)}, []span{at(130, 140)}, 7},
		"a hole was left for it":                 {[]shownRun{shown(0, 20, 3), shown(150, 160, 5)}, nil, 4},
		"no number was left for it":              {[]shownRun{shown(0, 20, 3), shown(150, 160, 4)}, nil, 3},
		"nothing is shown, and a run was missed": {nil, []span{at(50, 60)}, 1},
		"a later run has the number 0":           {[]shownRun{shown(150, 160, 0)}, nil, 0},
	} {
		g := groupRuns{shown: c.shown, waiting: c.waiting}
		if got := g.numberOf(run); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// What viewers have may have come into the bucket long after it was written, and a stream may have been
// away between two runs.
func TestNamesTellWhenRunsWere(t *testing.T) {
	list, err := hls.Parse([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-DISCONTINUITY-SEQUENCE:5\n" +
		"#EXTINF:4,\na_1793534400000_3.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\na_1793534420000_1.ts\n"))
	if err != nil {
		t.Fatal(err)
	}
	first, second := time.UnixMilli(1793534400000), time.UnixMilli(1793534420000)
	for _, after := range []time.Duration{4 * time.Second, time.Minute} {
		runs := runsOf(list, second.Add(after))
		want := []shownRun{
			{span{first, first.Add(10 * time.Second), first.Add(11500 * time.Millisecond)}, 5},
			{span{second, second.Add(2 * time.Second), second.Add(3500 * time.Millisecond)}, 6},
		}
		if !slices.Equal(runs, want) {
			t.Errorf("%v after the second run began: %v, want %v", after, runs, want)
		}
	}
}

// A name that ends with a time has a number that no run gets to.
func TestSegmentBeganAtTheLatestWhenItWasWritten(t *testing.T) {
	began := time.UnixMilli(1793534400000)
	for uri, want := range map[string]time.Time{
		"a_1793534400000_3.ts":             began.Add(8 * time.Second),
		"a_1793534400000_1793534400000.ts": began.Add(time.Minute),
		"a.ts":                             began.Add(time.Minute),
	} {
		if _, got, _ := beganOf(uri, began.Add(time.Minute), 4*time.Second); !got.Equal(want) {
			t.Errorf("%s began at %v, want %v", uri, got, want)
		}
	}
}
