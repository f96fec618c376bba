package outage

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

var kills = long.Int("kills", 4, 10, "how often TestKill kills the daemon")

// The line to the bucket takes so long in each direction, at most.
const lineDelay = 300 * time.Millisecond

// A daemon is killed at random instants and started again, while encoders write, delete and restart.
// Nothing is missing in the end, and what was confirmed before a kill is not sent again.
func TestKill(t *testing.T) {
	t.Parallel()
	random := e2e.NewRandom(t)
	s := e2e.NewSite(t, 8, e2e.LivePace)
	s.Proxy.Before = func(q *s3test.Request, w http.ResponseWriter) bool {
		time.Sleep(rand.N(lineDelay)) // so that kills meet requests that are under way
		return s.Referee.Before(q, w)
	}
	s.Proxy.After = func(q *s3test.Request) {
		s.Referee.After(q)
		time.Sleep(rand.N(lineDelay))
	}
	s.Launch()
	s.View()
	s.Play(random, 10*time.Second)
	var killed []time.Time
	inFlight := 0
	for range kills() {
		// A start takes some 50 ms: some kills are in the middle of it, most behind it.
		e2e.Patient.Sleep(time.Duration(random.ExpFloat64() * float64(time.Second))) // the instant is what is tested
		now := time.Now()
		s.Side.Kill()
		for _, q := range s.Proxy.Log() {
			if q.Method == http.MethodPut && q.Began.After(s.Side.Began) && (q.Ended.IsZero() || q.Ended.After(now)) {
				inFlight++
			}
		}
		killed = append(killed, now)
		s.Launch()
	}
	s.Ready()
	current, complete := s.Recovers(e2e.MssPatience + e2e.RecoveryTime)
	s.End()
	s.Recovers(e2e.MssPatience + e2e.RecoveryTime)
	s.Unview()

	again, excused := e2e.SentAgain(s.Proxy.Log(), killed)
	for _, q := range again {
		t.Errorf("%s is sent although the bucket had confirmed it before the kill", q.Key)
	}
	if len(s.Referee.Setbacks) > 0 {
		t.Errorf("the bucket went back: %v", s.Referee.Setbacks)
	}
	s.NothingIsLost()
	if code := s.Side.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	sent, chunks := 0, 0
	for _, q := range s.Proxy.Log() {
		if q.Method == http.MethodPut && q.Body == nil {
			sent++
		}
	}
	for _, written := range s.Archive.Chunks {
		chunks += len(written)
	}
	t.Logf("%d kills with %d PUTs in flight; %d chunks, sent with %d PUTs, of them %d again because the answer had not come, or just then; "+
		"%d manifests sent again as they were; after the last kill playlists current in %.1f s, backlog gone in %.1f s; %d manifests judged at the door",
		len(killed), inFlight, chunks, sent, excused, repeated(s.Proxy.Log()), current.Seconds(), complete.Seconds(), s.Referee.Judged)
}

// repeated counts the PUTs of manifests that bring what the PUT before brought, which was
// confirmed.
func repeated(log []s3test.Request) (n int) {
	last := map[string]s3test.Request{}
	for _, q := range log {
		if q.Method != http.MethodPut || q.Body == nil || q.Status != http.StatusOK || strings.Contains(q.Query, "partNumber") {
			continue
		}
		if p, ok := last[q.Key]; ok && bytes.Equal(p.Body, q.Body) {
			n++
		}
		last[q.Key] = q
	}
	return n
}
