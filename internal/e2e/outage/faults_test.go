package outage

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

var (
	faultOnly = flag.String("fault", "", "which faults TestFaults tries: those with this in their names")
)

const (
	// What is applied late comes so long after its client gave up, at most.
	latest = 4 * time.Second
	// An old manifest that came late over a newer one is seen for so long, at most.
	mendTime = 10 * time.Second
)

// 20 streams of all formats play to a bucket that fails in each way in turn. Their encoders delete
// old chunks and restart. After each fault, all that was closed arrives, also what was deleted or
// overwritten meanwhile. At no time does a manifest name what is not there, or go back for good.
func TestFaults(t *testing.T) {
	t.Parallel()
	random := e2e.NewRandom(t)
	s := e2e.NewSite(t, long.Or(8, 20), e2e.LivePace)
	s.Launch()
	s.Ready()
	s.View()
	s.Play(random, 15*time.Second)
	s.BecomesCurrent(time.Now(), e2e.RecoveryTime)

	lateManifests := s3test.Late(latest).Only("late manifests", func(r *s3test.Request) bool { return r.Body != nil })
	var table strings.Builder
	var cuts []time.Time
	// One of each kind: no connection, no answer, an answer that is lost, what is applied late, and
	// a refusal.
	faults := []s3test.Fault{
		s3test.Refuse(), s3test.Stall(), s3test.CutAnswer(), lateManifests,
		s3test.Answer(http.StatusServiceUnavailable, "SlowDown"),
	}
	others := []s3test.Fault{
		s3test.Reset(), s3test.Page(), s3test.CutRequest(), s3test.Late(latest),
		s3test.Answer(http.StatusInternalServerError, "InternalError"),
		s3test.Answer(http.StatusTooManyRequests, "TooManyRequests"),
		s3test.Answer(http.StatusRequestTimeout, "RequestTimeout"),
		s3test.Answer(http.StatusForbidden, "AccessDenied"),
	}
	if *faultOnly != "" || long.Or(false, true) {
		faults = append(faults, others...)
	}
	for _, fault := range faults {
		if !strings.Contains(fault.Name, *faultOnly) {
			continue
		}
		cuts = append(cuts, time.Now())
		s.Proxy.Befall(fault)
		e2e.Patient.Sleep(e2e.FaultTime()) // it lasts so long
		s.Proxy.Mend()
		ended := time.Now()
		backlog := len(s.Missing(ended))
		current, empty := s.Recovers(e2e.RecoveryTime)
		s.Proxy.Settle()
		fmt.Fprintf(&table, "| %s | %d | %.1f | %.1f |\n", fault.Name, backlog, current.Seconds(), empty.Seconds())
	}
	// No newer manifest comes to hide that an old one came over the last.
	s.Proxy.Befall(lateManifests)
	e2e.Patient.Sleep(e2e.LivePace.Chunk)
	s.Proxy.Mend()
	s.End()
	s.Recovers(e2e.RecoveryTime)
	s.Proxy.Settle()
	fmt.Fprintf(&table, "| late manifests before the last of each stream | | %.1f after the last of them | |\n", s.BecomesCurrent(time.Now(), mendTime).Seconds())
	if e2e.FaultTime() >= 10*time.Second { // the last MSS chunks of a stream take a minute
		s.CatchesUp(time.Now().Add(e2e.MssPatience), e2e.MssPatience+e2e.RecoveryTime)
	}
	s.Unview()
	again, _ := e2e.SentAgain(s.Proxy.Log(), cuts)
	for _, q := range again {
		t.Errorf("%s is sent although the bucket had confirmed it; log:\n%s", q.Key, strings.Join(s.Side.Lines(" key="+q.Key), "\n"))
	}
	for _, back := range s.Referee.Setbacks {
		if back.Lasted > mendTime {
			t.Errorf("the bucket went back: %v", back)
		}
	}
	s.NothingIsLost()
	if code := s.Side.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	t.Logf("%d manifests judged at the door, setbacks: %v; each fault lasted %v:\n"+
		"| fault | chunks in the backlog at its end | all playlists current after, s | backlog gone after, s |\n"+
		"| --- | --- | --- | --- |\n%s", s.Referee.Judged, s.Referee.Setbacks, e2e.FaultTime(), table.String())
}
