package hooks

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/internal/trouble"
)

// A failed reset is over when the stream is reset, and forgotten when the stream has ended. Then the
// next one is logged.
func TestFailedResetIsOverWithItsStream(t *testing.T) {
	var works atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !works.Load() {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		io.WriteString(w, `{"status":"SUCCESS","description":"","data":{"uniqueId":7,"name":"out","processId":1,"type":"INR"}}`)
	}))
	defer server.Close()
	api, err := emsapi.New(emsapi.Settings{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	reporter := trouble.New(slog.New(slog.NewTextHandler(&log, nil)), time.Now)
	d := newDiary(resetterName, slog.New(slog.DiscardHandler), reporter, new(atomic.Uint64))
	r := newResetter(api, &config.Resetter{}, d)
	stream := inbound("out")
	stuck := stuckStream{&stream, "audio"}
	expect := func(when string, holding, lines int) {
		t.Helper()
		if got := reporter.Holding()[resetFails.Kind]; got != holding {
			t.Errorf("%s: %d failed resets hold, want %d", when, got, holding)
		}
		if got := strings.Count(log.String(), `msg="stream cannot be reset" `); got != lines {
			t.Errorf("%s: it is logged %d times, want %d:\n%s", when, got, lines, log.String())
		}
	}
	r.reset(t.Context(), stuck)
	r.reset(t.Context(), stuck)
	expect("it fails", 1, 1)

	works.Store(true)
	r.reset(t.Context(), stuck)
	expect("it is reset", 0, 1)
	if !strings.Contains(log.String(), `msg="stream is reset after all" `) {
		t.Error("that it is reset is not logged")
	}

	works.Store(false)
	r.reset(t.Context(), stuck)
	expect("it fails again", 1, 2)
	r.act(t.Context(), &view{asked: time.Now()})
	expect("the stream has ended", 0, 2)
	r.reset(t.Context(), stuck)
	expect("another stream of that name", 1, 3)
}
