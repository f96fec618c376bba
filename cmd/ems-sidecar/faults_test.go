package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
)

var (
	faultTime = flag.Duration("fault-time", time.Second, "how long each fault of TestFaults lasts")
	faultOnly = flag.String("fault", "", "which faults TestFaults tries: those with this in their names")
	seedFlag  = flag.Uint64("seed", 0, "of what is random in TestFaults and TestKill; 0 is a new one each time")
)

// newRandom returns what is random in a test, and logs its seed.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

const (
	// What is applied late comes so long after its client gave up, at most.
	latest = 4 * time.Second
	// An old manifest that came late over a newer one is seen for so long, at most.
	mendTime = 10 * time.Second
	// After a refusal (403), the bucket is probed every 30 s.
	recoveryTime = 45 * time.Second
)

// 20 streams of all formats, with encoders that delete as they go and start anew, and a bucket that fails in each way in
// turn. After each fault, all that was closed arrives, also what was deleted or written anew meanwhile; and
// at no time there is a manifest that names what is not there, or a step back that lasts.
func TestFaults(t *testing.T) {
	t.Parallel()
	random := newRandom(t)
	s := newSite(t, 20, livePace)
	s.launch()
	s.ready()
	s.view()
	s.play(random, 15*time.Second)
	s.becomesCurrent(time.Now(), recoveryTime)

	lateManifests := s3test.Late(latest).Only("late manifests", func(r *s3test.Request) bool { return r.Body != nil })
	var table strings.Builder
	var cuts []time.Time
	for _, fault := range []s3test.Fault{
		s3test.Refuse(), s3test.Reset(), s3test.Stall(), s3test.Page(), s3test.CutRequest(), s3test.CutAnswer(), s3test.Late(latest),
		lateManifests,
		s3test.Answer(http.StatusInternalServerError, "InternalError"),
		s3test.Answer(http.StatusServiceUnavailable, "SlowDown"),
		s3test.Answer(http.StatusTooManyRequests, "TooManyRequests"),
		s3test.Answer(http.StatusRequestTimeout, "RequestTimeout"),
		s3test.Answer(http.StatusForbidden, "AccessDenied"),
	} {
		if !strings.Contains(fault.Name, *faultOnly) {
			continue
		}
		cuts = append(cuts, time.Now())
		s.proxy.Befall(fault)
		time.Sleep(*faultTime) // it lasts so long
		s.proxy.Mend()
		ended := time.Now()
		backlog := len(s.missing(ended))
		current, empty := s.recovers(recoveryTime)
		s.proxy.Settle()
		fmt.Fprintf(&table, "| %s | %d | %.1f | %.1f |\n", fault.Name, backlog, current.Seconds(), empty.Seconds())
	}
	// No newer manifest comes to hide that an old one came over the last.
	s.proxy.Befall(lateManifests)
	time.Sleep(livePace.chunk)
	s.proxy.Mend()
	s.end()
	s.recovers(recoveryTime)
	s.proxy.Settle()
	fmt.Fprintf(&table, "| late manifests before the last of each stream | | %.1f after the last of them | |\n", s.becomesCurrent(time.Now(), mendTime).Seconds())
	if *faultTime >= 10*time.Second { // the last MSS chunks of a stream take a minute
		s.catchesUp(time.Now().Add(mssPatience), mssPatience+recoveryTime)
	}
	s.unview()
	again, _ := sentAgain(s.proxy.Log(), cuts)
	for _, q := range again {
		t.Errorf("%s is sent although the bucket had confirmed it; log:\n%s", q.Key, strings.Join(s.side.lines(" key="+q.Key), "\n"))
	}
	for _, back := range s.referee.setbacks {
		if back.lasted > mendTime {
			t.Errorf("the bucket went back: %v", back)
		}
	}
	s.nothingIsLost()
	if code := s.side.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	t.Logf("%d manifests judged at the door, setbacks: %v; each fault lasted %v:\n"+
		"| fault | chunks in the backlog at its end | all playlists current after, s | backlog gone after, s |\n"+
		"| --- | --- | --- | --- |\n%s", s.referee.judged, s.referee.setbacks, *faultTime, table.String())
}

// What is answered within so long is answered in time: no client has given up.
const promptly = 1500 * time.Millisecond

// An answer takes so long to its client, at most, on a busy machine.
const onItsWay = 50 * time.Millisecond

// sentAgain returns the PUTs of chunks that the bucket had confirmed, and how many of them cannot be helped:
// the confirmation was still to come, or had just come, when one of the cuts ended the connection or the client.
func sentAgain(log []s3test.Request, cuts []time.Time) (again []s3test.Request, excused int) {
	confirmed := map[text]s3test.Request{}
next:
	for _, q := range log {
		if q.Method != http.MethodPut || q.Body != nil || q.Sum == [32]byte{} {
			continue
		}
		v := text{q.Key, q.Sum}
		p, ok := confirmed[v]
		if q.Status == http.StatusOK {
			confirmed[v] = q
		}
		if !ok || p.Fault != "" || p.Ended.Sub(p.Began) > promptly || p.Ended.After(q.Began) {
			continue
		}
		for _, cut := range cuts {
			if cut.Before(q.Began) && cut.After(p.Began.Add(-onItsWay)) && cut.Before(p.Ended.Add(onItsWay)) {
				excused++
				continue next
			}
		}
		again = append(again, q)
	}
	return again, excused
}
