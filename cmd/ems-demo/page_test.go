package main

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestPageAllowsTheBucketAndNothingElse(t *testing.T) {
	j, _ := newTestJournal(t)
	for _, c := range []struct{ bucket, host, source string }{
		{"http://127.0.0.1:9000/b", "localhost:8080", " http://127.0.0.1:9000/b/"},
		{"http://0.0.0.0:9000/b", "example.org:8080", " http://example.org:9000/b/"},
		{"http://[::]:9000/b", "[2001:db8::1]:8080", " http:"}, // a source cannot be an IPv6 address
	} {
		p, err := newPage(j, c.bucket, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = c.host
		w := httptest.NewRecorder()

		p.ServeHTTP(w, r)

		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none';", "script-src 'self';", "connect-src 'self'" + c.source + ";", "media-src blob:" + c.source + ";",
		} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy has no %q: %s", c.bucket, want, policy)
			}
		}
		if w.Code != 200 || !strings.Contains(w.Body.String(), "page.js") {
			t.Errorf("%s: status %d", c.bucket, w.Code)
		}
	}
}

func TestPageTellsTheTime(t *testing.T) {
	j, _ := newTestJournal(t)
	p, err := newPage(j, "http://127.0.0.1:9000/b", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()

	p.ServeHTTP(w, httptest.NewRequest("GET", "/time", nil))

	// xs:dateTime is what dash.js asks for.
	got, err := time.Parse(time.RFC3339Nano, w.Body.String())
	if err != nil || time.Since(got).Abs() > time.Minute || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("time %q (%v), headers %v", w.Body, err, w.Header())
	}
}

func TestPageHasNoEventsBeforeTheFirst(t *testing.T) {
	j, _ := newTestJournal(t)
	p, err := newPage(j, "http://127.0.0.1:9000/b", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()

	p.ServeHTTP(w, httptest.NewRequest("GET", "/status", nil))

	if !strings.Contains(w.Body.String(), `"recent":[]`) {
		t.Errorf("status: %s", w.Body)
	}
}
