package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A fakeStore has one object, g/s/a.ts in the bucket live.
type fakeStore struct {
	opened chan struct{} // told of each that is opened, if it is not nil
	read   chan struct{} // nothing is read before it is closed, if it is not nil
}

func (s fakeStore) Object(_ context.Context, bucket, key, byteRange string) (*Object, error) {
	switch {
	case key == "broken":
		return nil, errors.New("the bucket is away")
	case bucket != "live" || key != "g/s/a.ts":
		return nil, nil
	}
	if s.opened != nil {
		s.opened <- struct{}{}
		<-s.read
	}
	o := &Object{Body: io.NopCloser(strings.NewReader("0123")), Type: "video/mp2t", Size: 4}
	if byteRange != "" {
		o.Body, o.Size, o.Range = io.NopCloser(strings.NewReader("12")), 2, "bytes 1-2/4"
	}
	return o, nil
}

func TestPlayerReadsObjects(t *testing.T) {
	h := handler(fakeState{}, Settings{Store: fakeStore{}})
	for name, c := range map[string]struct {
		method, path, byteRange string
		status                  int
		body                    string
	}{
		"an object":              {"GET", "/play/live/g/s/a.ts", "", 200, "0123"},
		"a part":                 {"GET", "/play/live/g/s/a.ts", "bytes=1-2", 206, "12"},
		"several parts":          {"GET", "/play/live/g/s/a.ts", "bytes=0-0,2-3", 200, "0123"},
		"no range":               {"GET", "/play/live/g/s/a.ts", "bytes=a\r\nX: y", 200, "0123"},
		"another object":         {"GET", "/play/live/g/s/b.ts", "", 404, "no such object"},
		"another bucket":         {"GET", "/play/others/g/s/a.ts", "", 404, "no such object"},
		"a bucket that is away":  {"GET", "/play/live/broken", "", 502, "the bucket is away"},
		"a path that leads up":   {"GET", "/play/live/../live/g/s/a.ts", "", 307, ""},
		"something else than it": {"PUT", "/play/live/g/s/a.ts", "", 405, ""},
		"nothing":                {"GET", "/play/live/", "", 404, ""},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.URL.Path = c.path
		r.Header.Set("Range", c.byteRange)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s: %d %q, want %d %q", name, w.Code, w.Body, c.status, c.body)
		}
		if c.status == 200 && (w.Header().Get("Content-Type") != "video/mp2t" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox")) {
			t.Errorf("%s: the headers are %v", name, w.Header())
		}
	}
}

func TestPlayersShareALimit(t *testing.T) {
	s := fakeStore{opened: make(chan struct{}), read: make(chan struct{})}
	h := handler(fakeState{}, Settings{Store: s})
	ended := make(chan int, maxPlaying)
	for range maxPlaying {
		go func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/play/live/g/s/a.ts", nil))
			ended <- w.Code
		}()
		<-s.opened
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/play/live/g/s/a.ts", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d", w.Code)
	}
	close(s.read)
	for range maxPlaying {
		if status := <-ended; status != http.StatusOK {
			t.Errorf("another one: %d", status)
		}
	}
}
