package reconnect

import (
	"math/rand/v2"
	"net/http"
	"os/exec"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// A weather is what befalls the daemon and the bucket.
//
// A version that is applied late takes away what the bucket knew of later runs. A daemon that knows
// of its request sees that and mends it. One that starts just then cannot know, since the bucket is
// all that it has to go by. So no daemon is ended before what came late is mended.
type weather struct {
	t       *testing.T
	random  *rand.Rand
	story   *chronicle
	proxy   *s3test.Proxy
	seen    *audience
	command func() (cmd *exec.Cmd, admin string)
	side    *e2e.Sidecar
	counts  map[string]int
}

// calm waits until nothing is late any more, and what came late is mended.
func (w *weather) calm() {
	w.proxy.Settle()
	e2e.Within(w.t, mendTime, "what came late is mended", func() bool { return !w.seen.setBack() })
}

// blow has one thing after the other happen, until stop. The daemon runs and the bucket is well in
// the end.
func (w *weather) blow(stop <-chan struct{}) {
	for !isClosed(stop) {
		w.calm()
		w.happen(stop)
		pause(stop, time.Duration(w.random.ExpFloat64()*float64(time.Second)))
	}
}

func (w *weather) happen(stop <-chan struct{}) {
	lasts := 100*time.Millisecond + time.Duration(w.random.Float64()*float64(time.Second))
	switch w.random.IntN(6) {
	case 0:
		w.note("the daemon is killed, for %v", lasts)
		w.side.Kill()
		pause(stop, lasts)
		w.launch()
	case 1:
		w.note("the daemon is killed and starts again")
		w.side.Kill()
		w.launch()
	case 2:
		// Before it listens, it does not handle the signal either.
		e2e.Eventually(w.t, "a daemon that is ready", func() bool { return w.side.Get("/readyz") == http.StatusOK })
		w.note("the daemon is stopped")
		if code := w.side.Stop(); code != 0 {
			w.t.Errorf("exit code %d after SIGTERM", code)
		}
		w.launch()
	case 3, 4:
		faults := []s3test.Fault{s3test.Refuse(), s3test.Reset(), s3test.Stall(), s3test.CutAnswer(), s3test.CutRequest(),
			s3test.Answer(http.StatusServiceUnavailable, "SlowDown")}
		w.befall(stop, faults[w.random.IntN(len(faults))], lasts, w.random.IntN(3) == 0)
	case 5:
		w.befall(stop, s3test.Late(latest).Only("late playlists", func(q *s3test.Request) bool { return q.Body != nil }), lasts, false)
	}
}

func (w *weather) note(format string, args ...any) {
	w.counts[format]++
	w.story.note(everyone, format, args...)
}

// befall has the bucket fail for some time, and the daemon killed at half time or not.
func (w *weather) befall(stop <-chan struct{}, fault s3test.Fault, lasts time.Duration, killed bool) {
	w.counts[fault.Name]++
	w.story.note(everyone, "%s for %v", fault.Name, lasts)
	w.proxy.Befall(fault)
	pause(stop, lasts/2)
	if killed {
		w.note("the daemon is killed in a fault")
		w.side.Kill()
		w.launch()
	}
	pause(stop, lasts/2)
	w.proxy.Mend()
}

func (w *weather) launch() {
	cmd, admin := w.command()
	w.side = e2e.Launch(w.t, cmd, admin)
}

// A crowd looks at all playlists until stop.
func (a *audience) crowd(stop <-chan struct{}, all *sync.WaitGroup) {
	all.Go(func() {
		for !isClosed(stop) {
			a.verify()
			pause(stop, 50*time.Millisecond)
		}
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// pause waits so long by the patient clock, or until stop.
func pause(stop <-chan struct{}, d time.Duration) {
	for passed := e2e.Patient.Deadline(d); !passed() && !isClosed(stop); {
		select {
		case <-stop:
		case <-time.After(min(d, 50*time.Millisecond)):
		}
	}
}
