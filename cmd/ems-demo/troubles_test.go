package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestEncoderGoesOnWhereItStopped(t *testing.T) {
	now := time.Unix(100, 0)
	tr := newTroubles(func() time.Time { return now })
	tr.setFrozen(true)
	for range 2 {
		now = now.Add(time.Minute)
		tr.setFrozen(true) // a second click changes nothing
		if got := tr.clock(); !got.Equal(time.Unix(100, 0)) {
			t.Errorf("while it stands still, its clock is at %v", got)
		}
	}
	tr.setFrozen(false)
	now = now.Add(time.Second)
	if got := tr.clock(); !got.Equal(time.Unix(101, 0)) {
		t.Errorf("a second later, its clock is at %v", got)
	}
}

func TestDaemonThatIsStoppedRunsAgain(t *testing.T) {
	tr := newTroubles(nil)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	runs := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- tr.run(ctx, func(ctx context.Context) error {
			runs <- struct{}{}
			<-ctx.Done()
			return nil
		})
	}()
	<-runs
	for range 2 {
		tr.setStopped(true)
		tr.setStopped(false)
		<-runs
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOnlyThePageCausesTroubles(t *testing.T) {
	tr := newTroubles(nil)
	for name, c := range map[string]struct {
		method, path, header string
		status               int
		cut                  bool
	}{
		"another page": {"POST", "/troubles/bucket?on=true", "", 403, false},
		"a link":       {"GET", "/troubles/bucket?on=true", "1", 403, false},
		"unknown":      {"POST", "/troubles/disk?on=true", "1", 404, false},
		"the page":     {"POST", "/troubles/bucket?on=true", "1", http.StatusNoContent, true},
	} {
		tr.setCut(false)
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.header != "" {
			r.Header.Set("X-Demo", c.header)
		}
		w := httptest.NewRecorder()
		tr.ServeHTTP(w, r)
		if w.Code != c.status || tr.isCut() != c.cut {
			t.Errorf("%s: %d, cut off: %v", name, w.Code, tr.isCut())
		}
	}
}

func TestBucketThatIsCutOffIsStillPlayed(t *testing.T) {
	s, server := newTestStore(t)
	s.troubles = newTroubles(nil)
	s.troubles.setCut(true)
	if _, err := http.Get(server.URL + "/" + bucketName + "?list-type=2"); err == nil {
		t.Error("a request that a daemon makes is answered")
	}
	r, err := http.Get(server.URL + "/" + bucketName + "/none")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusNotFound {
		t.Errorf("a player's request: %d", r.StatusCode)
	}
}
