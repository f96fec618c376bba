package watcher

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/testproc"
)

// take returns the paths of the next n events.
func take(t *testing.T, events <-chan Event, n int) (paths []string) {
	t.Helper()
	for range n {
		select {
		case ev := <-events:
			paths = append(paths, ev.Path)
		case <-time.After(patience):
			t.Fatalf("no event after %q", paths)
		}
	}
	return paths
}

// watched runs w. Only the test takes its events.
func watched(t *testing.T, w *watch) <-chan Event {
	events, done := make(chan Event), make(chan error)
	ctx := t.Context()
	go func() { done <- w.Run(ctx, events) }()
	t.Cleanup(func() { <-done })
	return events
}

func (w *watch) age(path string, age time.Duration) {
	w.t.Helper()
	at := time.Now().Add(-age)
	if err := os.Chtimes(w.abs(path), at, at); err != nil {
		w.t.Fatal(err)
	}
}

// What a live stream needs is reported before the old files that a first scan finds, whatever the
// order of the scan, the number of old files and their place: here the live streams' directories
// are scanned last.
func TestLiveEdgeIsReportedBeforeOldFiles(t *testing.T) {
	for _, old := range []struct {
		name string
		path func(n int) string
	}{
		{"in its own directory", func(n int) string { return fmt.Sprintf("g/z%d/a%d.ts", n%3, n) }},
		{"in one other directory", func(n int) string { return fmt.Sprintf("a/%d.ts", n) }},
		{"in directories of their own", func(n int) string { return fmt.Sprintf("a/%d/%d.ts", n/10, n) }},
		{"below it", func(n int) string { return fmt.Sprintf("g/z%d/old/%d/%d.ts", n%3, n%7, n) }},
	} {
		for _, backend := range []Backend{Inotify, Fsnotify, Poll} {
			t.Run(old.name+", "+backend.String(), func(t *testing.T) {
				t.Parallel()
				needLeases(t)
				w := prepare(t, testproc.TempDirInMemory(t), Options{Backend: backend})
				for n := range 3 * manyOld / 2 {
					p := old.path(n)
					w.mkdir(p[:strings.LastIndexByte(p, '/')])
					w.write(p, "x")
				}
				for n := range 3 {
					w.mkdir(fmt.Sprintf("g/z%d", n))
					w.write(fmt.Sprintf("g/z%d/z.ts", n), "x")
					w.write(fmt.Sprintf("g/z%d/z.m3u8", n), "x")
				}
				events := watched(t, w)
				got := take(t, events, 3)
				for n := range 3 {
					if p := fmt.Sprintf("g/z%d/z.m3u8", n); !slices.Contains(got, p) {
						t.Errorf("the first events are %q, without %s", got, p)
					}
					w.Expect(fmt.Sprintf("g/z%d/z.ts", n))
				}
				w.write("g/z0/now.ts", "x") // written while old files wait
				got = take(t, events, 5)
				for _, p := range []string{"g/z0/z.ts", "g/z1/z.ts", "g/z2/z.ts", "g/z0/now.ts"} {
					if !slices.Contains(got, p) {
						t.Errorf("the next events are %q, without %s", got, p)
					}
				}
				rest := take(t, events, 3*manyOld/2-1) // nothing is left out or reported twice
				slices.Sort(rest)
				if n := len(slices.Compact(rest)); n != 3*manyOld/2-1 {
					t.Errorf("%d of the old files are reported", n)
				}
			})
		}
	}
}

// Streams that ended long ago must not hold up the others.
func TestNewestManifestIsReportedFirst(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Poll, PollInterval: time.Hour})
	want := make([]string, 20)
	for n := range want {
		// The time in an order that is neither that of the names nor its reverse.
		age := (n*7)%len(want) + 2
		dir := fmt.Sprintf("g/s%d", n)
		w.mkdir(dir)
		w.write(dir+"/1.ts", "x")
		w.write(dir+"/z.m3u8", "x")
		w.age(dir+"/z.m3u8", time.Duration(age)*time.Hour)
		want[age-2] = dir + "/z.m3u8"
	}
	if got := take(t, watched(t, w), len(want)); !slices.Equal(got, want) {
		t.Errorf("the manifests come in the order\n%q, want\n%q", got, want)
	}
}

// Old files are reported although a live stream never rests.
func TestOldFilesAreReportedWhileAStreamIsLive(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Poll, PollInterval: time.Hour})
	b := &w.tree().old
	now := time.Now()
	for n := range 2 * manyOld {
		b.add(&entry{dir: newDir("", nil), name: fmt.Sprint(n)}, false)
	}
	b.begin(now)
	for waited := time.Duration(0); ; waited += oldPause / 2 {
		b.liveAt = now.Add(waited)
		at, some := b.at()
		if !some || at.After(now.Add(oldPatience)) {
			t.Fatalf("after %v, the old files wait until %v, %v", waited, at.Sub(now), some)
		}
		if !at.After(now.Add(waited)) {
			break
		}
	}
	b.liveAt = now
	if at, _ := b.at(); at != now.Add(oldPause) {
		t.Errorf("without a live stream, the old files wait for %v", at.Sub(now))
	}
}

func (w *watch) tree() *tree { return newTree(w.Watcher) }

func TestOutboxHasNewsBeforeOldFiles(t *testing.T) {
	at := func(op Op, p string) Event { return Event{Op: op, Path: p} }
	for name, c := range map[string]struct {
		do   func(o *outbox)
		want []Event
	}{
		"news first": {func(o *outbox) {
			o.putOld(at(Closed, "old"))
			o.put(at(Closed, "new"))
		}, []Event{at(Closed, "new"), at(Closed, "old")}},
		"what is absent last": {func(o *outbox) {
			o.put(at(Absent, "x"))
			o.putOld(at(Closed, "old"))
		}, []Event{at(Closed, "old"), at(Absent, "x")}},
		"an old file that is wanted now is news, once": {func(o *outbox) {
			o.putOld(at(Closed, "a"))
			o.putOld(at(Closed, "b"))
			o.putOld(at(Closed, "c"))
			o.put(at(Closed, "b"))
		}, []Event{at(Closed, "b"), at(Closed, "a"), at(Closed, "c")}},
		"an old file that is gone is only that": {func(o *outbox) {
			o.putOld(at(Closed, "a"))
			o.putOld(at(Closed, "b"))
			o.put(at(Removed, "a"))
		}, []Event{at(Removed, "a"), at(Closed, "b")}},
		"all old files become news": {func(o *outbox) {
			for n := range 3000 {
				o.putOld(at(Closed, fmt.Sprint(n)))
			}
			for n := range 2999 {
				o.put(at(Closed, fmt.Sprint(n)))
			}
			for range 2999 {
				o.pop()
			}
		}, []Event{at(Closed, "2999")}},
	} {
		o := newOutbox()
		c.do(o)
		var got []Event
		for !o.empty() {
			got = append(got, o.first())
			o.pop()
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
