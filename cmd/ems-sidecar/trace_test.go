package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/internal/paths"
	"ems-sidecar/internal/patience"
	"ems-sidecar/uploader/health"
)

// A tracedDaemon has one stream, whose chunks the test changes.
type tracedDaemon struct {
	fakeDaemon

	mu      sync.Mutex // guards what follows
	started time.Time
	unknown bool
	chunks  []paths.Chunk
	why     string
}

func newTracedDaemon() *tracedDaemon {
	d := &tracedDaemon{started: time.Date(2026, 11, 30, 11, 0, 0, 0, time.UTC)}
	d.streams = []api.Stream{{ID: "hls/live/news/sport", Stream: "news/sport", Key: "live/news/sport", Format: "HLS", State: health.Live, Target: 2}}
	return d
}

func (d *tracedDaemon) change(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
}

func (d *tracedDaemon) Version() api.Version {
	d.mu.Lock()
	defer d.mu.Unlock()
	return api.Version{Started: d.started}
}

func (d *tracedDaemon) Stream(_ context.Context, id string) (s api.Detail, found, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unknown || id != d.streams[0].ID {
		return s, false, true
	}
	s.Stream = d.streams[0]
	s.Why = d.why
	s.Recent = slices.Clone(d.chunks)
	return s, true, true
}

// A trial asks a daemon through its real handlers, at times of its own.
type trial struct {
	t      *testing.T
	daemon *tracedDaemon
	tracer *tracer
	client *api.Client
	now    time.Time
	gone   bool
}

func newTrial(t *testing.T, last int) *trial {
	x := &trial{t: t, daemon: newTracedDaemon(), tracer: &tracer{id: "hls/live/news/sport", last: last},
		now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.Local)}
	mux := http.NewServeMux()
	api.Register(mux, x.daemon)
	x.client = &api.Client{URL: "http://daemon", HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if x.gone {
			return nil, errors.New("connection refused")
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Result(), nil
	})}}
	return x
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// at is a time so long after the beginning.
func (x *trial) at(d time.Duration) *time.Time {
	at := x.now.Add(d)
	return &at
}

// want looks after some time, and compares the lines.
func (x *trial) want(after time.Duration, want ...string) {
	x.t.Helper()
	var got []string
	for _, n := range x.tracer.look(x.t.Context(), x.client, x.now.Add(after)) {
		got = append(got, n.text())
	}
	if !slices.Equal(got, want) {
		x.t.Errorf("after %v:\n%s\nwant:\n%s", after, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (x *trial) chunk(name string, closed time.Duration) paths.Chunk {
	return paths.Chunk{Key: "live/news/sport/" + name, Kind: "chunk", Bytes: 498_000, Closed: x.at(closed)}
}

// listed is c as viewers see it.
func (x *trial) listed(c paths.Chunk, lag time.Duration) paths.Chunk {
	at, seconds := c.Closed.Add(lag), lag.Seconds()
	put, confirmed := c.Closed.Add(time.Millisecond), c.Closed.Add(lag/2)
	c.Kept, c.Sending, c.Sent, c.Confirmed, c.Listed, c.Lag, c.ConfirmedBy = &put, &put, &confirmed, &confirmed, &at, &seconds, "upload"
	c.Attempts = max(1, c.Attempts)
	return c
}

// A chunk is one line when it gets listed. Those that were there before are left out, or the last
// ones of them are not.
func TestTracePrintsEachChunkWhenItIsListed(t *testing.T) {
	x := newTrial(t, 1)
	one, two, three := x.chunk("1.ts", -4*time.Second), x.chunk("2.ts", -2*time.Second), x.chunk("3.ts", 0)
	three.Sequence = 3
	x.daemon.chunks = []paths.Chunk{x.listed(one, time.Second), x.listed(two, 200*time.Millisecond)}
	x.want(0, "11:59:58.200  2.ts  498 kB  closed 11:59:58.000  kept +1ms  sending +1ms  sent +100ms  confirmed +100ms  listed +200ms")
	x.daemon.chunks = append(x.daemon.chunks, three)
	x.want(100 * time.Millisecond)
	x.daemon.chunks[2] = x.listed(three, 187*time.Millisecond)
	x.want(500*time.Millisecond, "12:00:00.187  3.ts  498 kB  sequence 3  closed 12:00:00.000  kept +1ms  sending +1ms  sent +93.5ms  confirmed +93.5ms  listed +187ms")
	x.want(time.Second)
}

// Each failed attempt is a line, and a chunk that waits for long is one now and then.
func TestTracePrintsFailuresAndWhatWaits(t *testing.T) {
	x := newTrial(t, 0)
	x.want(0)
	c := x.chunk("7.ts", 0)
	c.Sending, c.Attempts = x.at(time.Millisecond), 1
	x.daemon.chunks = []paths.Chunk{c}
	x.want(6 * time.Second)
	x.want(6100*time.Millisecond, "12:00:06.100  7.ts  waits for 6s, being sent")
	c.Failures = []paths.Failure{{Attempt: 1, At: *x.at(7 * time.Second), Why: "no answer: connection \x1brefused"}}
	next := x.chunk("8.ts", 2*time.Second)
	x.daemon.chunks, x.daemon.why = []paths.Chunk{c, next}, "the bucket serves no requests"
	x.want(8*time.Second, "12:00:07.000  7.ts  attempt 1 failed +7s: no answer: connection ?refused")
	x.want(12 * time.Second)
	x.want(13*time.Second, "12:00:13.000  7.ts  waits for 13s, not in the bucket: attempt 1 failed: no answer: connection ?refused; 2 chunks wait; the bucket serves no requests")
	c.Attempts = 2
	lost := next
	lost.Lost, lost.Why = x.at(14*time.Second), "the spool was full"
	x.daemon.chunks = []paths.Chunk{x.listed(c, 14*time.Second), lost}
	x.want(15*time.Second,
		"12:00:14.000  7.ts  498 kB  closed 12:00:00.000  kept +1ms  sending +1ms (attempt 2)  sent +7s  confirmed +7s  listed +14s",
		"12:00:14.000  8.ts  lost: the spool was full")
	skipped := x.chunk("9.ts", 15*time.Second)
	skipped.Skipped = x.at(16 * time.Second)
	x.daemon.chunks = append(x.daemon.chunks, skipped)
	x.want(17*time.Second, "12:00:16.000  9.ts  skipped: its playlist names it no more")
}

// A chunk that rolled out of its playlist before it was published waits for nothing.
func TestTraceDoesNotWaitForWhatHasRolledOut(t *testing.T) {
	x := newTrial(t, 0)
	x.want(0)
	out := x.chunk("1.ts", 0)
	out.Confirmed = x.at(time.Second)
	x.daemon.chunks = []paths.Chunk{out}
	x.want(7*time.Second, "12:00:07.000  1.ts  waits for 7s, in the bucket, and no published manifest names it")
	x.daemon.chunks = append(x.daemon.chunks, x.listed(x.chunk("2.ts", 8*time.Second), time.Second))
	x.want(9*time.Second, "12:00:09.000  2.ts  498 kB  closed 12:00:08.000  kept +1ms  sending +1ms  sent +500ms  confirmed +500ms  listed +1s")
	x.want(time.Minute)
}

// One line tells that the daemon is gone, and one that it is back or was started again. What an
// earlier run has uploaded is not printed again.
func TestTraceGoesOnWhenTheDaemonWasAway(t *testing.T) {
	x := newTrial(t, 0)
	one := x.chunk("1.ts", 0)
	x.daemon.chunks = []paths.Chunk{x.listed(one, time.Second)}
	x.want(0)
	x.gone = true
	x.want(time.Second, `12:00:01.000  not connected: Get "http://daemon/api/v1/version": connection refused`)
	x.want(2 * time.Second)
	x.gone = false
	x.want(3*time.Second, "12:00:03.000  connected again")

	x.gone = true
	x.want(4*time.Second, `12:00:04.000  not connected: Get "http://daemon/api/v1/version": connection refused`)
	x.gone, x.daemon.unknown = false, true
	x.daemon.started = x.now.Add(5 * time.Second)
	x.want(6*time.Second, "12:00:06.000  the daemon was started again at 12:00:05", "12:00:06.000  the daemon does not know hls/live/news/sport now")
	x.want(7 * time.Second)
	found := x.listed(x.chunk("1.ts", time.Second), time.Second)
	found.Lag = nil
	x.daemon.unknown, x.daemon.chunks = false, []paths.Chunk{found, x.listed(x.chunk("2.ts", 5*time.Second), 2*time.Second)}
	x.want(8*time.Second, "12:00:07.000  2.ts  498 kB  closed 12:00:05.000  kept +1ms  sending +1ms  sent +1s  confirmed +1s  listed +2s")
}

// If chunks passed between two looks that the daemon does not remember, that is said.
func TestTraceSaysWhatItMissed(t *testing.T) {
	x := newTrial(t, 0)
	x.daemon.chunks = []paths.Chunk{x.listed(x.chunk("1.ts", 0), time.Second)}
	x.want(time.Second)
	x.daemon.chunks = []paths.Chunk{x.chunk("99.ts", time.Second)}
	x.want(2*time.Second, "12:00:02.000  more chunks passed than the daemon remembers, and are not shown")
}

// The stream may be named by a part of its directory. Where that is not clear, those that it may be
// are named.
func TestTraceFindsItsStream(t *testing.T) {
	streams := []api.Stream{
		{ID: "hls/live/news/sport", Stream: "news/sport", Key: "live/news/sport", Format: "HLS"},
		{ID: "dash/live/news/sport", Stream: "news/sport", Key: "live/news/sport", Format: "DASH"},
		{ID: "hls/live/news/sport2\x1b", Stream: "news/sport2\x1b", Format: "HLS"},
		{ID: "hls/live/film", Stream: "film", Format: "HLS"},
		{ID: "hls:b/x/boat", Stream: "boat", Key: "x/boat", Section: "HLS b", Format: "HLS"},
		{ID: "mss:b/x/boat", Stream: "boat", Key: "x/boat", Section: "MSS b", Format: "MSS"},
	}
	mux := http.NewServeMux()
	api.Register(mux, &fakeDaemon{streams: streams})
	server := httptest.NewServer(mux)
	defer server.Close()
	client := &api.Client{URL: server.URL, HTTP: server.Client()}
	for name, c := range map[string]struct {
		want string
		err  []string
	}{
		"hls/live/news/sport": {want: "hls/live/news/sport"},
		"hls/news/sport":      {want: "hls/live/news/sport"},
		"film":                {want: "hls/live/film"},
		"FIL":                 {want: "hls/live/film"},
		"dash":                {want: "dash/live/news/sport"},
		"sport2":              {want: "hls/live/news/sport2\x1b"},
		"HLS b/boat":          {want: "hls:b/x/boat"},
		"mss:b/boat":          {want: "mss:b/x/boat"},
		"news/sport":          {err: []string{"may be one of 2 streams", "  dash/live/news/sport\n  hls/live/news/sport"}},
		"sport":               {err: []string{"may be one of 3 streams", "hls/live/news/sport2?"}},
		"weather":             {err: []string{`no stream is called "weather"`, "hls/live/film", "hls/live/news/sport2?"}},
		"\x1b[31m":            {err: []string{`no stream is called "?[31m"`}},
	} {
		got, err := findStream(t.Context(), client, name)
		if got != c.want || (err != nil) != (c.err != nil) {
			t.Errorf("%q: %q, %v, want %q", name, got, err, c.want)
		}
		for _, part := range c.err {
			if err != nil && (!strings.Contains(err.Error(), part) || strings.ContainsRune(err.Error(), 0x1b)) {
				t.Errorf("%q: %q, want %q in it", name, err, part)
			}
		}
	}
	mux = http.NewServeMux()
	api.Register(mux, &fakeDaemon{})
	none := httptest.NewServer(mux)
	defer none.Close()
	if _, err := findStream(t.Context(), &api.Client{URL: none.URL, HTTP: none.Client()}, "a"); err == nil || !strings.Contains(err.Error(), "no streams yet") {
		t.Errorf("without streams: %v", err)
	}
}

// A sharedBuffer is written and read by two goroutines.
type sharedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *sharedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *sharedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// The command goes on until it is interrupted, and prints JSON if that is asked for.
func TestTraceRunsUntilItIsInterrupted(t *testing.T) {
	clock := patience.Start()
	defer clock.Stop()
	d := newTracedDaemon()
	x := &trial{t: t, now: time.Now()}
	mux := http.NewServeMux()
	api.Register(mux, d)
	server := httptest.NewServer(mux)
	defer server.Close()
	ini := writeAdminConfig(t, strings.TrimPrefix(server.URL, "http://"))
	for _, format := range []string{"text", "json"} {
		ctx, interrupt := context.WithCancel(t.Context())
		var out, errs sharedBuffer
		ended := make(chan int)
		args := []string{"trace", "--config", ini, "--last", "1", "sport"}
		if format == "json" {
			args = append(args, "--json")
		}
		d.change(func() { d.chunks = []paths.Chunk{x.listed(x.chunk("1.ts", 0), time.Second)} })
		go func() { ended <- execute(ctx, args, surroundings{&out, &errs, func(string) string { return "" }}) }()
		if !clock.Within(t, 10*time.Second, "the last chunk", func() bool { return strings.Contains(out.String(), "1.ts") }) {
			t.Error(out.String(), errs.String())
		}
		d.change(func() { d.chunks = append(d.chunks, x.listed(x.chunk("2.ts", time.Second), time.Second)) })
		clock.Within(t, 10*time.Second, "the next chunk", func() bool { return strings.Contains(out.String(), "2.ts") })
		interrupt()
		if code := <-ended; code != exitFine || errs.String() != "" {
			t.Errorf("%s: exit code %d, %q", format, code, errs.String())
		}
		if lines := strings.Count(out.String(), "\n"); lines != 2 {
			t.Errorf("%s: %d lines, want one for each chunk:\n%s", format, lines, out.String())
		}
		for line := range strings.Lines(out.String()) {
			var n news
			if err := json.Unmarshal([]byte(line), &n); (err == nil) != (format == "json") || format == "json" && (n.What != isListed || n.Chunk == nil) {
				t.Errorf("%s: %v: %s", format, err, line)
			}
		}
	}
}
