package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/internal/history"
	"ems-sidecar/uploader/health"
)

// A changingDaemon has streams that change while it is asked.
type changingDaemon struct {
	fakeDaemon
	mu    sync.Mutex
	asked int
}

func (d *changingDaemon) Streams(context.Context) ([]Stream, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	return append([]Stream{}, d.streams...), !d.hangs
}

func (*changingDaemon) EndStream(context.Context, string) (n int, found, ok bool) {
	return 0, false, true
}
func (d *changingDaemon) LagHistory(Stream) []*float64 {
	lag := 0.25
	return []*float64{nil, &lag}
}

func (d *changingDaemon) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func newChangingDaemon(streams ...Stream) *changingDaemon {
	return &changingDaemon{fakeDaemon: fakeDaemon{streams: streams, history: history.New(time.Now)}}
}

// A follower reads the changes until it is stopped.
type follower struct {
	ctx    context.Context
	cancel context.CancelFunc
	w      *httptest.ResponseRecorder
	ended  chan struct{}
}

func follow(t *testing.T, f *feed, query string, header http.Header) *follower {
	ctx, cancel := context.WithCancel(t.Context())
	fl := &follower{ctx, cancel, httptest.NewRecorder(), make(chan struct{})}
	r := httptest.NewRequest("GET", "/api/v1/changes"+query, nil).WithContext(ctx)
	for name := range header {
		r.Header.Set(name, header.Get(name))
	}
	go func() {
		defer close(fl.ended)
		f.serve(fl.w, r)
	}()
	return fl
}

// stop ends it, and returns what it has read, an event in each string.
func (f *follower) stop() []string {
	f.cancel()
	<-f.ended
	return strings.Split(strings.TrimSuffix(f.w.Body.String(), "\n\n"), "\n\n")
}

func TestChangesAreSentAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Now().UTC()
		d := newChangingDaemon(Stream{ID: "hls/a", State: health.Live, Chunk: &at}, Stream{ID: "hls/b", State: health.Live})
		d.history.Add(history.Event{Text: "long ago"})
		f := follow(t, newFeed(d), "", nil)
		time.Sleep(3500 * time.Millisecond)
		d.set(func() { d.streams[0].State, d.streams[0].Why, d.streams[0].Chunk = health.Stalled, "no new chunk", nil })
		d.history.Add(history.Event{Text: "stalled"})
		time.Sleep(time.Second)
		d.set(func() { d.streams[0].Why, d.streams = "", append(d.streams[:1], Stream{ID: "hls/c"}) })
		time.Sleep(time.Second)
		got := f.stop()
		for i, want := range [][]string{
			{"id: 1\nevent: streams\n", `"id":"hls/a"`, `"id":"hls/b"`, `"lag_history":[null,0.25]`},
			{"event: changes\n", `"changed":[{"id":"hls/a","state":"stalled","why":"no new chunk","chunk_at":null}]}`},
			{"id: 2\nevent: events\n", `"text":"stalled"`, `"next":2`},
			{"event: changes\n", `{"id":"hls/a","why":null}`, `{"id":"hls/c","stream":""`, `"removed":["hls/b"]`},
		} {
			if i >= len(got) {
				t.Fatalf("%d messages, want one with %s", i, want)
			}
			for _, part := range want {
				if !strings.Contains(got[i], part) {
					t.Errorf("message %d has no %s: %s", i, part, got[i])
				}
			}
		}
		if len(got) != 4 {
			t.Errorf("%d messages, want 4: %s", len(got), got[4:])
		}
	})
}

func TestDaemonIsAskedOnceForAllClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newChangingDaemon(Stream{ID: "hls/a"})
		f := newFeed(d)
		var all []*follower
		for range 10 {
			all = append(all, follow(t, f, "", nil))
			time.Sleep(70 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		for _, one := range all {
			one.stop()
		}
		if d.asked > 12 {
			t.Errorf("the daemon was asked %d times in 11 s", d.asked)
		}
	})
}

func TestClientThatIsOneTooManyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(newChangingDaemon())
		var all []*follower
		for range maxClients {
			all = append(all, follow(t, f, "", nil))
		}
		synctest.Wait()
		refused := follow(t, f, "", nil)
		<-refused.ended
		if refused.w.Code != http.StatusServiceUnavailable || refused.w.Header().Get("Retry-After") == "" {
			t.Errorf("the answer is %d", refused.w.Code)
		}
		all[0].stop()
		next := follow(t, f, "", nil)
		synctest.Wait()
		if next.w.Code != http.StatusOK || !strings.Contains(next.w.Body.String(), "event: streams") {
			t.Errorf("when one has left, the answer is %d", next.w.Code)
		}
		next.stop()
		for _, one := range all[1:] {
			one.stop()
		}
	})
}

func TestFollowerIsToldThatTheUploaderHangsAndThatItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newChangingDaemon(Stream{ID: "hls/a"})
		f := follow(t, newFeed(d), "", nil)
		time.Sleep(500 * time.Millisecond)
		d.set(func() { d.hangs = true })
		time.Sleep(12 * time.Second)
		d.set(func() { d.hangs = false })
		time.Sleep(time.Second)
		got := strings.Join(f.stop(), "\n\n")
		for _, part := range []string{"event: streams", "event: problem", ": nothing new", "event: streams"} {
			_, rest, found := strings.Cut(got, part)
			if !found {
				t.Fatalf("no %q in what is left: %s", part, got)
			}
			got = rest
		}
		if strings.Contains(got, "event: problem") {
			t.Error("it is told of the problem more than once")
		}
	})
}

// A thousand streams have a chunk every second each, and then their bucket is gone.
func TestOpenPageCostsLessThanOneMegabyteAMinute(t *testing.T) {
	const seconds = 20
	for name, c := range map[string]struct {
		change func(second, i int, s *Stream, now time.Time)
	}{
		"a chunk each second": {func(second, i int, s *Stream, now time.Time) {
			at := now.Add(-time.Duration(i*7919%1000) * time.Millisecond).Truncate(time.Millisecond)
			s.Chunk, s.Edge, s.Lag = &at, &at, float64(i*second%97)/1000
			s.Sequence, s.Chunks, s.Bytes = uint64(second), int64(second), int64(second*i*12345)
		}},
		"reasons that age": {func(second, i int, s *Stream, now time.Time) {
			s.Why = fmt.Sprintf("no new chunk on the disk for %dm%ds; they came every 4s", (second+i)/60, (second+i)%60)
		}},
		"an outage": {func(second, i int, s *Stream, now time.Time) {
			s.Why = fmt.Sprintf("dial tcp 192.0.2.7:9000: connect: connection refused (attempt %d)", second*i)
			s.Failure, s.Backlog = s.Why, second*i%311
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newChangingDaemon()
				for i := range 1000 {
					key := fmt.Sprintf("live/group-%d/stream-%04d", i/50, i)
					d.streams = append(d.streams, Stream{ID: "hls/" + key, Key: key, Stream: key[5:], State: health.Live})
				}
				f := follow(t, newFeed(d), "", http.Header{"Accept-Encoding": {"gzip, deflate, br"}})
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				first := f.w.Body.Len()
				for second := range seconds {
					time.Sleep(time.Second)
					d.set(func() {
						for i := range d.streams {
							c.change(second, i, &d.streams[i], time.Now().UTC())
						}
						if second == seconds-5 {
							d.streams[500].State = health.Ended
						}
					})
				}
				f.stop()
				all := f.w.Body.Len()
				t.Logf("%d bytes, of which %d are the first", all, first)
				if limit := first + clientBurst + (seconds+1)*clientRate; all > limit {
					t.Errorf("%d bytes in %d s, want %d at most", all, seconds, limit)
				}
				if minute := first + clientBurst + 60*clientRate; minute > 1_000_000 {
					t.Errorf("%d bytes in a minute", minute)
				}
				z, err := gzip.NewReader(bytes.NewReader(f.w.Body.Bytes()))
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(z)
				if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // it was stopped in the middle
					t.Fatal(err)
				}
				if !strings.Contains(string(text), `"state":"ended"`) {
					t.Error("a change of a state is not among what was sent")
				}
				if got := strings.Count(string(text), `{"id":`); got < 2000 {
					t.Errorf("%d changes were sent, of %d", got, 1000*seconds)
				}
			})
		})
	}
}

// What a client has put together is what the daemon says.
func TestPatchesAddUpToTheStreams(t *testing.T) {
	at, later := time.Unix(1, 0).UTC(), time.Unix(2, 0).UTC()
	versions := []Stream{
		{ID: "a"}, {ID: "a", Why: "x", Failure: "y", Chunk: &at}, {ID: "a", Why: "x", Chunk: &later, State: health.Live},
		{ID: "a", Failure: "z", Group: "g"}, {ID: "a"},
	}
	var now *snapshot
	known := make(map[string]any)
	var was *entry
	for i, v := range versions {
		now = now.next([]Stream{v}, true, time.Now())
		e := now.byID["a"]
		fields := e.fields
		if was != nil {
			fields = e.patch(was)
		}
		was = e
		var patch map[string]any
		if err := json.Unmarshal(object(fields), &patch); err != nil {
			t.Fatal(err)
		}
		for name, value := range patch {
			known[name] = value
			if value == nil && name != "chunk_at" && name != "edge_at" && name != "failed_at" {
				delete(known, name)
			}
		}
		want, _ := json.Marshal(v)
		got, _ := json.Marshal(known)
		var a, b map[string]any
		if json.Unmarshal(want, &a) != nil || json.Unmarshal(got, &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("version %d is put together as %s, want %s", i, got, want)
		}
	}
	if again := now.next([]Stream{versions[len(versions)-1]}, true, time.Now()); again.byID["a"] != now.byID["a"] {
		t.Error("a stream that has not changed is encoded once more")
	}
}

// Two directories may have one stream: only one can be told under its id, always the same.
func TestOfStreamsWithOneIDTheWorstIsTold(t *testing.T) {
	two := []Stream{{ID: "a", State: health.Failing, Root: "/a"}, {ID: "a", State: health.Live, Root: "/b"}}
	var now *snapshot
	for range 2 {
		now = now.next(two, true, time.Now())
		if len(now.streams) != 1 || now.byID["a"].stream.Root != "/a" {
			t.Errorf("%d streams, that of %s, want the first", len(now.streams), now.byID["a"].stream.Root)
		}
	}
}
