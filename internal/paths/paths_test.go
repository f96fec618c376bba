package paths

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/clock/testclock"
	"ems-sidecar/uploader/publish"
)

var (
	began = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	news  = Name{Root: "/media", Format: "HLS", Stream: "news/sport"}
)

func step(stage publish.Stage, key string, after time.Duration) publish.Step {
	return publish.Step{Stage: stage, Root: news.Root, Format: news.Format, Stream: news.Stream, Key: key,
		At: began.Add(after)}
}

// The way of a chunk has the time of each step, how often it was tried, and why not.
func TestPathOfAChunkThatFailsAndArrives(t *testing.T) {
	b := New(began)
	closed := step(publish.StageClosed, "live/7.ts", 0)
	closed.Bytes = 1000
	sending := step(publish.StageSending, "live/7.ts", time.Millisecond)
	sending.Attempt = 1
	failed := step(publish.StageFailed, "live/7.ts", 2*time.Millisecond)
	failed.Attempt, failed.Why, failed.Err = 1, "no answer", errors.New("connection refused "+strings.Repeat("ä", maxText))
	again := step(publish.StageSending, "live/7.ts", 100*time.Millisecond)
	again.Attempt = 2
	sent := step(publish.StageSent, "live/7.ts", 120*time.Millisecond)
	sent.Attempt, sent.Took = 2, 20*time.Millisecond
	confirmed := step(publish.StageConfirmed, "live/7.ts", 120*time.Millisecond)
	confirmed.Why = "upload"
	listed := step(publish.StageListed, "live/7.ts", 187*time.Millisecond)
	listed.Lag, listed.Sequence = 187*time.Millisecond, 7
	for _, x := range []publish.Step{closed, step(publish.StageKept, "live/7.ts", 0), sending, failed, again, sent, confirmed, listed} {
		b.Observe(x)
	}

	chunks := b.Chunks(news, began)
	if len(chunks) != 1 {
		t.Fatalf("%d chunks, want 1: %+v", len(chunks), chunks)
	}
	c := chunks[0]
	if c.Key != "live/7.ts" || c.Kind != "chunk" || c.Bytes != 1000 || c.Sequence != 7 || c.Attempts != 2 ||
		*c.Put != 0.02 || *c.Lag != 0.187 || c.ConfirmedBy != "upload" || c.Lost != nil || c.Deleted != nil {
		t.Errorf("the path is %+v", c)
	}
	for _, at := range []struct {
		got  *time.Time
		want time.Duration
	}{{c.Closed, 0}, {c.Kept, 0}, {c.Sending, 100 * time.Millisecond}, {c.Sent, 120 * time.Millisecond},
		{c.Confirmed, 120 * time.Millisecond}, {c.Listed, 187 * time.Millisecond}} {
		if at.got == nil || !at.got.Equal(began.Add(at.want)) {
			t.Errorf("a step was at %v, want %v; the path is %+v", at.got, began.Add(at.want), c)
		}
	}
	if f := c.Failures; len(f) != 1 || f[0].Attempt != 1 || len(f[0].Why) > maxText ||
		!strings.HasPrefix(f[0].Why, "no answer: connection refused") || !strings.HasSuffix(f[0].Why, "ä") {
		t.Errorf("the failures are %+v", f)
	}
}

func keys(chunks []Chunk) (all []string) {
	for _, c := range chunks {
		all = append(all, c.Key)
	}
	return all
}

// Only the newest chunks are remembered, also if a scan reports them in another order. What is
// heard of others afterwards makes no entry.
func TestTheNewestChunksAreRemembered(t *testing.T) {
	b := New(began)
	for n := range 3 * MaxChunks {
		i := (n * 7) % (3 * MaxChunks)
		b.Observe(step(publish.StageClosed, fmt.Sprintf("%d.ts", i), time.Duration(i)*time.Second))
	}
	b.Observe(step(publish.StageListed, "0.ts", time.Hour))
	b.Observe(step(publish.StageDeleted, "1.ts", time.Hour))
	got := keys(b.Chunks(news, began))
	for n := range MaxChunks {
		if want := fmt.Sprintf("%d.ts", 2*MaxChunks+n); len(got) != MaxChunks || got[n] != want {
			t.Fatalf("the chunks are %q, want the last %d in their order", got, MaxChunks)
		}
	}
}

// HDS and DASH use names again: the way of other content begins again.
func TestNewContentBeginsItsWayAgain(t *testing.T) {
	b := New(began)
	b.Observe(step(publish.StageClosed, "1.ts", 0))
	b.Observe(step(publish.StageListed, "1.ts", time.Second))
	b.Observe(step(publish.StageClosed, "2.ts", 2*time.Second))
	b.Observe(step(publish.StageClosed, "1.ts", 3*time.Second))
	chunks := b.Chunks(news, began)
	if got := keys(chunks); len(got) != 2 || got[1] != "1.ts" || chunks[1].Listed != nil {
		t.Errorf("the chunks are %+v, want 2.ts and a new 1.ts", chunks)
	}
}

// A chunk that was given up, and turns up, is not lost.
func TestChunkThatIsFoundIsNotLost(t *testing.T) {
	b := New(began)
	lost := step(publish.StageLost, "1.ts", 0)
	lost.Why = "the spool was full"
	b.Observe(lost)
	if c := b.Chunks(news, began)[0]; c.Lost == nil || c.Why != lost.Why {
		t.Errorf("%+v, want it lost", c)
	}
	b.Observe(step(publish.StageConfirmed, "1.ts", time.Second))
	if c := b.Chunks(news, began)[0]; c.Lost != nil || c.Why != "" || c.Confirmed == nil {
		t.Errorf("%+v, want it confirmed", c)
	}
}

func TestRecordingsAndManifestsHaveNoPath(t *testing.T) {
	b := New(began)
	for _, kind := range []publish.FileKind{publish.KindManifest, publish.KindRecording} {
		x := step(publish.StageClosed, "a", 0)
		x.Kind = kind
		b.Observe(x)
	}
	if len(b.streams) > 0 {
		t.Errorf("%d streams are remembered", len(b.streams))
	}
}

// A clock that is set back neither hides the newest chunks nor mixes them up.
func TestPathsWhenTheClockIsSetBack(t *testing.T) {
	start := time.Now()
	b, now := New(start), start
	for n := range MaxChunks + 10 {
		now = now.Add(2 * time.Second)
		if n == MaxChunks {
			now = testclock.Set(now, -time.Hour)
		}
		x := step(publish.StageClosed, fmt.Sprint(n), 0)
		x.At = now
		b.Observe(x)
		x.Stage, x.Lag = publish.StageListed, time.Second
		b.Observe(x)
	}
	chunks := b.Chunks(news, now)
	if len(chunks) != MaxChunks || chunks[MaxChunks-1].Key != fmt.Sprint(MaxChunks+9) {
		t.Fatalf("the last of %d chunks is %v", len(chunks), chunks[len(chunks)-1].Key)
	}
	for i, c := range chunks {
		if age, want := now.Round(0).Sub(*c.Closed), time.Duration(MaxChunks-1-i)*2*time.Second; age != want {
			t.Errorf("chunk %s was closed %v ago, want %v", c.Key, age, want)
		}
	}
	if lags := b.Lags(news, now); lags[MaxLags-1] == nil || lags[MaxLags-3] == nil {
		t.Error("the lags of the last 30 s are not known")
	}
}

// The history has the worst of each ten seconds, and nothing where no chunk was listed.
func TestLagHistory(t *testing.T) {
	b := New(began)
	list := func(after, lag time.Duration) {
		x := step(publish.StageListed, "1.ts", after)
		x.Lag = lag
		b.Observe(x)
	}
	list(time.Second, 100*time.Millisecond)
	list(2*time.Second, 300*time.Millisecond)
	list(9*time.Second, 200*time.Millisecond)
	list(25*time.Second, 46*time.Second)
	text := func(after time.Duration) string {
		var all []string
		for _, v := range b.Lags(news, began.Add(after)) {
			if v == nil {
				all = append(all, "-")
			} else {
				all = append(all, fmt.Sprint(*v))
			}
		}
		return strings.Join(all, " ")
	}
	none := func(n int) string { return strings.Repeat("- ", n) }
	for after, want := range map[time.Duration]string{
		28 * time.Second:                    none(57) + "0.3 - 46",
		40 * time.Second:                    none(55) + "0.3 - 46 - -",
		10*time.Minute + 5*time.Second:      "- 46 " + strings.TrimSpace(none(58)),
		time.Hour:                           strings.TrimSpace(none(60)),
		-time.Hour /* the clock was set */ : strings.TrimSpace(none(60)),
	} {
		if got := text(after); got != want {
			t.Errorf("after %v: %s, want %s", after, got, want)
		}
	}
	list(10*time.Minute+25*time.Second, time.Second)
	if got, want := text(10*time.Minute+25*time.Second), none(59)+"1"; got != want {
		t.Errorf("after a gap: %s, want %s", got, want)
	}
	list(0, time.Hour) // long ago, by a clock that was set back
	if got, want := text(10*time.Minute+25*time.Second), none(59)+"1"; got != want {
		t.Errorf("after the clock was set back: %s, want %s", got, want)
	}
	if got := b.Lags(Name{Stream: "unknown"}, began); len(got) != MaxLags || got[0] != nil {
		t.Errorf("a stream that is not known has %v", got)
	}
}

// A stream that has ended is forgotten after an hour, one that only stands still is not: its last
// chunks tell why.
func TestEndedStreamsAreForgotten(t *testing.T) {
	b := New(began)
	b.Observe(step(publish.StageClosed, "1.ts", 0))
	ended := func(Name) bool { return false }
	b.Forget(began.Add(forgetAfter), ended)
	if len(b.Chunks(news, began)) != 1 {
		t.Error("the stream is forgotten within the hour")
	}
	b.Forget(began.Add(forgetAfter+time.Second), func(n Name) bool { return n == news })
	if len(b.Chunks(news, began)) != 1 {
		t.Error("the stream is forgotten although it has not ended")
	}
	b.Forget(began.Add(forgetAfter+time.Second), ended)
	if len(b.Chunks(news, began)) != 0 || len(b.streams) != 0 {
		t.Error("the stream is not forgotten")
	}
}

// What 1,000 streams take is what limits.go says.
func TestR8PathsAreBounded(t *testing.T) {
	const streams = 1000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	b := New(began)
	for i := range streams {
		for n := range 3 * MaxChunks {
			x := step(publish.StageClosed, fmt.Sprintf("live/group-%d/stream-%d/segment-%06d.ts", i, i, n), time.Duration(n)*time.Second)
			x.Stream = fmt.Sprintf("group-%d/stream-%d", i, i)
			for _, stage := range []publish.Stage{publish.StageClosed, publish.StageSending, publish.StageSent, publish.StageListed} {
				x.Stage, x.Lag = stage, time.Second
				b.Observe(x)
			}
		}
	}
	if used := heap() - before; used > 20<<20 {
		t.Errorf("%d streams take %d bytes", streams, used)
	}
	for i := range 2 * maxStreams {
		x := step(publish.StageClosed, "1.ts", 0)
		x.Stream = fmt.Sprint(i)
		b.Observe(x)
	}
	if n := len(b.streams); n != maxStreams {
		t.Errorf("%d streams are remembered, want %d", n, maxStreams)
	}
	runtime.KeepAlive(b)
}

// It is read while it is written.
func TestBookIsSafeForConcurrentUse(t *testing.T) {
	b := New(began)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 200 {
				x := step(publish.StageFailed, fmt.Sprintf("%d.ts", n), time.Duration(n)*time.Second)
				b.Observe(x)
				for _, c := range b.Chunks(news, began) {
					_ = append(c.Failures, Failure{})
				}
				b.Lags(news, began)
				b.Forget(began, func(Name) bool { return false })
			}
		})
	}
	all.Wait()
}

// Whose a chunk is of several streams in a directory, a playlist tells after it was closed: its path goes
// on under the name of that stream.
func TestPathOfAChunkGoesOnUnderItsStream(t *testing.T) {
	b := New(began)
	b.Observe(step(publish.StageClosed, "live/a-1.ts", 0))
	b.Observe(step(publish.StageClosed, "live/b-1.ts", time.Millisecond))
	b.Observe(step(publish.StageSending, "live/a-1.ts", 2*time.Millisecond))
	for i, stage := range []publish.Stage{publish.StageSent, publish.StageConfirmed, publish.StageListed} {
		x := step(stage, "live/a-1.ts", time.Duration(3+i)*time.Millisecond)
		x.Stream, x.Home = news.Stream+"/a", news.Stream
		b.Observe(x)
	}
	own, others := b.Chunks(Name{news.Root, news.Format, news.Stream + "/a"}, began), b.Chunks(news, began)
	if len(own) != 1 || own[0].Closed == nil || own[0].Sending == nil || own[0].Listed == nil {
		t.Errorf("the stream has the paths %+v", own)
	}
	if len(others) != 1 || others[0].Key != "live/b-1.ts" {
		t.Errorf("its directory has the paths %+v", others)
	}
}
