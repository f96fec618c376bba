package health

import (
	"strings"
	"testing"
	"time"
)

func TestStateFollowsFromTheFacts(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const target = 2 * time.Second
	for name, c := range map[string]struct {
		facts Facts
		want  State
		why   string
	}{
		"nothing is known":                              {Facts{}, Starting, ""},
		"the first chunk is not listed yet":             {Facts{Target: target, Chunk: ago(time.Second)}, Starting, ""},
		"chunks come and are listed":                    {Facts{Target: target, Chunk: ago(time.Second), Edge: ago(time.Second)}, Live, ""},
		"a chunk is a little late":                      {Facts{Target: target, Chunk: ago(6 * time.Second), Edge: ago(6 * time.Second)}, Live, ""},
		"no chunk for three target durations":           {Facts{Target: target, Chunk: ago(7 * time.Second), Edge: ago(7 * time.Second)}, Stalled, "no new chunk on the disk for 7s; they came every 2s"},
		"no new chunk that its manifest names":          {Facts{Target: target, Chunk: ago(7 * time.Second), Edge: ago(7 * time.Second), OnlyNamed: true}, Stalled, "no new chunk in its manifest for 7s; they came every 2s"},
		"no chunk ever listed, and no more come":        {Facts{Target: target, Chunk: ago(time.Minute)}, Stalled, "1m0s"},
		"no target duration is known":                   {Facts{Chunk: ago(29 * time.Second), Edge: ago(29 * time.Second)}, Live, ""},
		"very short chunks after a hiccup":              {Facts{Target: 50 * time.Millisecond, Chunk: ago(time.Second), Edge: ago(time.Second)}, Live, ""},
		"stopped long ago":                              {Facts{Target: target, Chunk: ago(time.Hour), Edge: ago(time.Hour)}, Stale, "its manifest has no end"},
		"an upload that takes its time":                 {Facts{Target: target, Chunk: ago(0), Edge: ago(3 * time.Second), Held: ago(5 * time.Second)}, Live, ""},
		"uploads that are slow":                         {Facts{Target: target, Chunk: ago(0), Edge: ago(9 * time.Second), Held: ago(7 * time.Second)}, Lagging, "waits for 7s"},
		"a request that failed just now":                {Facts{Target: target, Chunk: ago(0), Edge: ago(3 * time.Second), Held: ago(time.Second), Failure: "503"}, Live, ""},
		"requests that fail":                            {Facts{Target: target, Chunk: ago(0), Edge: ago(3 * time.Second), Held: ago(3 * time.Second), Failure: "503"}, Failing, "503"},
		"a bucket that refuses what is not sent":        {Facts{Target: target, Chunk: ago(time.Second), Edge: ago(time.Second), Failure: "403"}, Live, ""},
		"the encoder and the bucket stopped":            {Facts{Target: target, Chunk: ago(time.Minute), Edge: ago(2 * time.Minute), Held: ago(time.Minute), Failure: "503"}, Failing, "503"},
		"requests that fail, of long chunks":            {Facts{Target: 10 * time.Second, Chunk: ago(0), Edge: ago(9 * time.Second), Held: ago(9 * time.Second), Failure: "503"}, Failing, "503"},
		"requests that fail from the beginning":         {Facts{Chunk: ago(5 * time.Second), Held: ago(5 * time.Second), Failure: "403"}, Failing, "403"},
		"a hidden directory":                            {Facts{Target: target, Chunk: ago(time.Second), Edge: ago(time.Second), Blocked: ago(time.Second), Failure: "permission denied"}, Failing, "permission denied"},
		"a hidden directory of a stream that has ended": {Facts{Target: target, Chunk: ago(time.Second), Edge: ago(time.Second), Blocked: ago(time.Second), Failure: "permission denied", Ended: true}, Ended, ""},
		"hidden for an hour":                            {Facts{Target: target, Chunk: ago(time.Hour), Edge: ago(time.Hour), Blocked: ago(time.Hour - time.Second), Failure: "permission denied"}, Failing, "permission denied"},
		"hidden long after it stopped":                  {Facts{Target: target, Chunk: ago(time.Hour), Edge: ago(time.Hour), Blocked: ago(time.Minute), Failure: "permission denied"}, Stale, "its manifest has no end"},
		"closings that are seen late":                   {Facts{Target: time.Second, Chunk: ago(5 * time.Second), Edge: ago(5 * time.Second), Delay: 3 * time.Second}, Live, ""},
		"ended":                                         {Facts{Target: target, Chunk: ago(time.Hour), Edge: ago(time.Hour), Ended: true}, Ended, ""},
		"ended, and started again":                      {Facts{Target: target, Chunk: ago(time.Second), Edge: ago(time.Hour), Held: ago(time.Second), Ended: true}, Live, ""},
		"a clock that was set back":                     {Facts{Target: target, Chunk: ago(-time.Hour), Edge: ago(-time.Hour)}, Live, ""},
	} {
		got, why := c.facts.Judge(now)
		if got != c.want || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: %v %q, want %v %q", name, got, why, c.want, c.why)
		}
	}
}

func TestStatesAreReadAsTheyAreWritten(t *testing.T) {
	if len(States) != len(names) {
		t.Fatalf("%d states are listed, of %d", len(States), len(names))
	}
	for _, s := range States {
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again State
		if err := again.UnmarshalText(text); err != nil || again != s {
			t.Errorf("%v is read as %v: %v", s, again, err)
		}
	}
	if new(State).UnmarshalText([]byte("fine")) == nil {
		t.Error("any text is a state")
	}
}

// How often chunks came is told only where it is known.
func TestStalledStreamOfUnknownChunksTellsNoInterval(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f := Facts{Chunk: now.Add(-40 * time.Second)}
	if s, why := f.Judge(now); s != Stalled || why != "no new chunk on the disk for 40s" {
		t.Errorf("%v, %q", s, why)
	}
}
