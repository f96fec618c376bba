package daemon

import (
	"testing"
	"time"

	"ems-sidecar/uploader"
)

// What is seen from the moment at which the daemon is told to end, second by second, decides how
// long it watches.
func TestDaemonWatchesAsLongAsLiveStreamsMayEnd(t *testing.T) {
	const second = time.Second
	told := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return told.Add(time.Duration(s * float64(second))) }
	live := func(n int) uploader.Outlook { return uploader.Outlook{Unended: n, Target: 4 * second} }
	for name, test := range map[string]struct {
		see  func(s float64) sight // what is seen then
		want reason
		in   time.Duration // so long after it was told
	}{
		"no stream is live": {func(float64) sight { return sight{} }, noneLive, 0},
		"streams that ended before": {func(float64) sight {
			return sight{changed: at(-30), Outlook: uploader.Outlook{Ended: at(-30)}}
		}, allEnded, 0},
		"the server ends 5 s later": {func(s float64) sight {
			seen := sight{written: 1, begun: at(-1), changed: at(s), Outlook: live(1)}
			if s >= 5 {
				seen = sight{begun: at(-1), changed: at(5), Outlook: uploader.Outlook{Ended: at(5)}}
			}
			return seen
		}, allEnded, 5500 * time.Millisecond},
		"its end waits for the bucket": {func(s float64) sight {
			seen := sight{begun: at(-1), changed: at(1), Outlook: live(1)}
			seen.Arrived = int64(s) // slowly
			if s >= 15 {
				seen = sight{begun: at(-1), changed: at(1), Outlook: uploader.Outlook{Ended: at(1)}}
			}
			return seen
		}, allEnded, 15 * second},
		"the daemon alone restarts, 200 streams": {func(s float64) sight {
			return sight{written: 200, begun: at(s), changed: at(s), Outlook: live(200)}
		}, serverRuns, 3100 * time.Millisecond},
		"the daemon alone restarts, one stream": {func(s float64) sight {
			begun := at(-1)
			if s >= 5 {
				begun = at(5)
			}
			return sight{written: 1, begun: begun, changed: at(s), Outlook: live(1)}
		}, serverRuns, 6 * second},
		"one of 200 streams ends by itself": {func(s float64) sight {
			o := live(199)
			if s >= 1.5 {
				o.Ended = at(1.5)
			}
			return sight{written: 199, begun: at(s), changed: at(s), Outlook: o}
		}, serverRuns, 4600 * time.Millisecond},
		"200 streams end one after the other": {func(s float64) sight {
			n := 200 - int(s*20)
			o := live(max(n, 0))
			o.Ended = at(min(s, 10))
			return sight{written: max(n, 0), begun: at(0.5), changed: at(min(s, 10)), Outlook: o}
		}, allEnded, 10500 * time.Millisecond},
		"the server was killed while it wrote": {func(s float64) sight {
			seen := sight{written: 1, begun: at(-1), changed: at(s), Outlook: live(1)}
			if s >= 1 {
				seen.written, seen.changed = 0, at(1)
			}
			return seen
		}, nothing, 4 * second},
		"the server was killed long before": {func(float64) sight {
			return sight{begun: at(-20), changed: at(-20), Outlook: live(1)}
		}, nothing, 0},
		"segments appear whole, and then the end": {func(s float64) sight {
			seen := sight{begun: at(-1), changed: at(-1), Outlook: live(1)}
			if s >= 3 {
				seen = sight{begun: at(3), changed: at(3), Outlook: live(1)}
			}
			if s >= 3.5 {
				seen = sight{begun: at(3), changed: at(3.5), Outlook: uploader.Outlook{Ended: at(3.5)}}
			}
			return seen
		}, allEnded, 4 * second},
		"a segment that never ends": {func(s float64) sight {
			return sight{written: 1, begun: at(-1), changed: at(s), Outlook: live(1)}
		}, tooLate, 20 * second},
	} {
		t.Run(name, func(t *testing.T) {
			f := farewell{began: told, until: told.Add(20 * second)}
			for in := time.Duration(0); in <= 30*second; in += sightEvery {
				why := f.decide(told.Add(in), test.see(in.Seconds()))
				if why == stay {
					continue
				}
				if why != test.want || in != test.in {
					t.Errorf("%q after %v, want %q after %v", why, in, test.want, test.in)
				}
				return
			}
			t.Errorf("never, want %q after %v", test.want, test.in)
		})
	}
}
