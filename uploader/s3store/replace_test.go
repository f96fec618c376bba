package s3store

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader"
)

// A list is a playlist of which a test puts one version after the other.
type list struct {
	store *Store
	etag  string
}

func (l *list) put(ctx context.Context, text string, r uploader.Race) error {
	o := object("playlist.m3u8", bytes.NewReader([]byte(text)), int64(len(text)))
	o.Replaces, o.Race = &l.etag, r
	return l.store.Put(ctx, o)
}

// A request that was overtaken, and that the store applies when the next version is there, as S3 may.
func TestR3OvertakenRequestReplacesNothingNewer(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	arrived, given := make(chan struct{}), make(chan *http.Request, 1)
	var first sync.Once
	g.onCall(func(c *call, _ http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		isFirst := false
		if string(body) == "version 3" && c.header.Get("If-Match") != unlikeAny {
			first.Do(func() { isFirst = true })
		}
		if !isFirst {
			return true
		}
		close(arrived)
		<-r.Context().Done()
		late, err := http.NewRequestWithContext(context.Background(), r.Method, server.Endpoint+r.URL.RequestURI(),
			bytes.NewReader(body))
		if err != nil {
			t.Error(err)
		}
		late.Header, late.Host = r.Header.Clone(), r.Host
		given <- late
		return false
	})
	l := &list{store: open(t, g.endpoint)}
	for _, text := range []string{"version 1", "version 2"} {
		if err := l.put(t.Context(), text, nil); err != nil || l.etag == "" {
			t.Fatalf("%v; the ETag is %q", err, l.etag)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // if both answers were waited for
	defer cancel()
	r := &testRace{may: true, settles: true, first: arrived}
	if err := l.put(ctx, "version 3", r); err != nil {
		t.Fatal(err)
	}
	if !r.won || r.ended != 1 {
		t.Errorf("the second request won: %t, the race ended %d times", r.won, r.ended)
	}
	if err := l.put(t.Context(), "version 4", nil); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(<-given)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("the late request is answered with %s", response.Status)
	}
	wantObject(t, server, "playlist.m3u8", []byte("version 4"))
}

// Also what another program has put there, and what is not there any more.
func TestPutReplacesWhateverIsThere(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	l := &list{store: open(t, g.endpoint)}
	other := open(t, server.Endpoint)
	between := map[string]func() error{
		"another program": func() error {
			return other.Put(t.Context(), object("playlist.m3u8", bytes.NewReader([]byte("x")), 1))
		},
		"a deletion": func() error { return other.Delete(t.Context(), []string{"playlist.m3u8"}) },
	}
	for _, name := range []string{"nothing", "another program", "a deletion", "a deletion"} {
		if f := between[name]; f != nil {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range []string{"after " + name, "and again after " + name} {
			if err := l.put(t.Context(), text, nil); err != nil {
				t.Fatalf("after %s: %v", name, err)
			}
			wantObject(t, server, "playlist.m3u8", []byte(text))
		}
	}
}

// What stores do that have no such condition. Each version takes one request more at most, and soon
// none.
func TestStoreWithoutIfMatchGetsPlainRequests(t *testing.T) {
	t.Parallel()
	refused := func(status int, code string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("If-Match") != "" {
				refuse(w, r, status, code)
				return true
			}
			return false
		}
	}
	for name, c := range map[string]struct {
		refuses    func(w http.ResponseWriter, r *http.Request) bool
		conditions int // that are sent until no more are
	}{
		"it ignores it":           {func(http.ResponseWriter, *http.Request) bool { return false }, 1},
		"it does not support it":  {refused(http.StatusNotImplemented, "NotImplemented"), 1},
		"it wants another right":  {refused(http.StatusForbidden, "AccessDenied"), 1},
		"it compares another tag": {refused(http.StatusPreconditionFailed, "PreconditionFailed"), 1 + mostUnmet},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex // guards the rest
			var stored []string
			conditions := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if r.Header.Get("If-Match") != "" {
					conditions++
				}
				if c.refuses(w, r) {
					return
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				stored = append(stored, string(body))
				ok(w, body)
			}))
			t.Cleanup(server.Close)
			l := &list{store: open(t, server.URL, func(s *Settings) {
				s.Credentials = Credentials{AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey}
			})}
			t.Cleanup(l.store.Close)
			var want []string
			for i := range 12 {
				text := "version " + string(rune('a'+i))
				want = append(want, text)
				if err := l.put(t.Context(), text, nil); err != nil || l.etag == "" {
					t.Fatalf("%s: %v; the ETag is %q", text, err, l.etag)
				}
			}
			if !slices.Equal(stored, want) {
				t.Errorf("the store got %q", stored)
			}
			if conditions != c.conditions {
				t.Errorf("%d requests had a condition, not %d", conditions, c.conditions)
			}
		})
	}
}

// Without an answer, it is not known what the bucket has: the next request has no condition.
func TestR3PutWithoutAnAnswerTellsNoETag(t *testing.T) {
	t.Parallel()
	server := servers.Server(t)
	g := newGate(t, server)
	l := &list{store: open(t, g.endpoint)}
	for _, text := range []string{"version 1", "version 2"} {
		if err := l.put(t.Context(), text, nil); err != nil {
			t.Fatal(err)
		}
	}
	g.onCall(func(*call, http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	if err := l.put(t.Context(), "version 3", nil); err == nil || l.etag != "" {
		t.Errorf("%v; the ETag is %q", err, l.etag)
	}
	g.onCall(func(c *call, _ http.ResponseWriter, _ *http.Request) bool {
		if c.header.Get("If-Match") != "" {
			t.Error("the request has a condition")
		}
		return true
	})
	if err := l.put(t.Context(), "version 4", nil); err != nil {
		t.Error(err)
	}
	wantObject(t, server, "playlist.m3u8", []byte("version 4"))
}

// A server that fails at a condition, and takes the same PUT without one, is not asked for ever.
func TestConditionThatMakesTheStoreFailIsGivenUp(t *testing.T) {
	t.Parallel()
	failed := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Match") != "" {
			failed++
			refuse(w, r, http.StatusInternalServerError, "InternalError")
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		ok(w, body)
	}))
	t.Cleanup(server.Close)
	l := &list{store: open(t, server.URL)}
	t.Cleanup(l.store.Close)
	for range 12 {
		_ = l.put(t.Context(), "a version", nil) // one that fails is sent again without a condition
	}
	if failed != mostTrials {
		t.Errorf("%d requests had a condition, not %d", failed, mostTrials)
	}
}

// The trial of the condition may be applied late at a store that ignores it, so that both answers are
// waited for.
func TestR3TrialThatIsOvertakenIsWaitedFor(t *testing.T) {
	t.Parallel()
	arrived, answered := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex // guards what follows
	requests, cancelled := 0, false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		requests++
		n := requests
		mu.Unlock()
		switch n {
		case 2: // the trial
			close(arrived)
			<-answered
			select {
			case <-r.Context().Done():
				mu.Lock()
				cancelled = true
				mu.Unlock()
			case <-time.After(50 * time.Millisecond): // an answer that is waited for comes in any case
			}
		case 3:
			defer close(answered)
		}
		ok(w, body)
	}))
	t.Cleanup(server.Close)
	l := &list{store: open(t, server.URL)}
	t.Cleanup(l.store.Close)
	if err := l.put(t.Context(), "version 1", nil); err != nil {
		t.Fatal(err)
	}
	r := &testRace{may: true, settles: true, first: arrived}
	if err := l.put(t.Context(), "version 2", r); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if cancelled || r.firstErr != nil || r.secondErr != nil || r.ended != 1 {
		t.Errorf("cancelled: %t; the requests ended with %v and %v", cancelled, r.firstErr, r.secondErr)
	}
}
