package admin

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ems-sidecar/admin/api"
)

type fakeState struct {
	api.Daemon
	alive    bool
	notReady []string
	stuck    []string
	allStuck bool
}

func (fakeState) EndStream(context.Context, string) (n int, found, ok bool) { return 1, true, true }

func (s fakeState) Alive(context.Context) bool { return s.alive }
func (s fakeState) NotReady() []string         { return s.notReady }
func (s fakeState) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ems_sidecar_up 1") })
}
func (s fakeState) Remarks() ([]string, bool) { return s.stuck, !s.allStuck }

func TestHealthAndReadiness(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		state  fakeState
		status int
		body   string
	}{
		"alive":         {"/healthz", fakeState{alive: true, notReady: []string{"x"}}, 200, "ok"},
		"stuck":         {"/healthz", fakeState{}, 503, "does not answer"},
		"one directory": {"/healthz", fakeState{alive: true, stuck: []string{"/a hangs"}}, 200, "ok\n/a hangs"},
		"all of them":   {"/healthz", fakeState{alive: true, stuck: []string{"/a hangs"}, allStuck: true}, 503, "/a hangs"},
		"stuck with it": {"/healthz", fakeState{stuck: []string{"/a hangs"}}, 503, "the uploader does not answer\n/a hangs"},
		"ready":         {"/readyz", fakeState{alive: true}, 200, "ok"},
		"not ready":     {"/readyz", fakeState{alive: true, notReady: []string{"/a is missing", "/b is missing"}}, 503, "/a is missing\n/b is missing"},
		"metrics":       {"/metrics", fakeState{}, 200, "ems_sidecar_up 1"},
		"the page":      {"/", fakeState{alive: true}, 200, "<!doctype html>"},
		"its files":     {"/page/main.js", fakeState{alive: true}, 200, "import"},
		"goroutines":    {"/debug/goroutines", fakeState{}, 200, "goroutine "},
		"anything else": {"/anything", fakeState{alive: true}, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			Handler(c.state).ServeHTTP(w, httptest.NewRequest("GET", c.path, nil))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("%d %q, want %d and %q", w.Code, w.Body, c.status, c.body)
			}
		})
	}
}

// All goroutines stand still while they are read.
func TestGoroutinesAreReadOnceASecond(t *testing.T) {
	var s stackReader
	now := time.Now()
	first, again, later := s.read(now), s.read(now.Add(stacksEvery-1)), s.read(now.Add(stacksEvery))
	if len(first) == 0 || again != nil || len(later) == 0 {
		t.Errorf("%d, %d and %d bytes, want some, none and some", len(first), len(again), len(later))
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- Serve(ctx, l, Settings{}, fakeState{alive: true}, slog.New(slog.DiscardHandler)) }()
	r, err := http.Get("http://" + l.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, r.Body)
	r.Body.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve returns %v at the end of its context", err)
	}
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := Serve(t.Context(), l, Settings{}, fakeState{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error for a closed listener")
	}
}
