//go:build linux

package watcher

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/testproc"
	"ems-sidecar/media"
)

// TestConformance has what every backend must do.
func TestConformance(t *testing.T) {
	needLeases(t)
	for _, backend := range []Backend{Inotify, Fsnotify, Poll} {
		t.Run(backend.String(), func(t *testing.T) {
			t.Parallel()
			for _, c := range conformance {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, backend)
				})
			}
		})
	}
}

var conformance = []struct {
	name string
	run  func(*testing.T, Backend)
}{
	{"chunk in 188-byte writes", testChunk},
	{"rolling stream", testRolling},
	{"appending stream", testAppending},
	{"truncation in place", testTruncate},
	{"same size and content again", testQuickAgain},
	{"delete and create again", testRecreated},
	{"header closed, reopened, appended", testReopened},
	{"patched after it was closed", testPatched},
	{"header closed, expected", testEarlyCloseExpected},
	{"header closed, reopened late", testReopenedLate},
	{"recording made of parts", testRecording},
	{"permission test file", testPermissionFile},
	{"empty file", testEmpty},
	{"files in new directories", testNewDirectory},
	{"1,000 directories", testManyDirectories},
	{"queue overflow", testOverflow},
	{"root appears late", testRootLate},
	{"root is renamed away and comes back", testRootBack},
	{"root is deleted and created again", testRootRecreated},
	{"renamed in", testRenamedIn},
	{"renamed over", testRenamedOver},
	{"hard link", testHardLink},
	{"directory moved within", testMovedDirectory},
	{"directory moved out", testMovedOut},
	{"files that only a scan finds", testOnlyScanned},
	{"directory deleted", testDeletedDirectory},
	{"directory deleted and created again", testDirectoryRecreated},
	{"not regular files", testNotRegular},
	{"names that are not text", testNames},
	{"ignored names", testIgnored},
	{"directory named like a chunk", testDirectoryLikeChunk},
	{"expect an open file", testExpectOpen},
	{"expect an absent file", testExpectAbsent},
	{"expect a closed file again", testExpectAgain},
	{"expect in a directory not seen yet", testExpectNewDirectory},
	{"slow consumer", testSlowConsumer},
	{"files that were there before", testBefore},
	{"settled", testSettled},
}

// started returns a running watcher of a new directory.
func started(t *testing.T, b Backend) *watch {
	t.Helper()
	return startedIn(t, t.TempDir(), b)
}

func startedIn(t *testing.T, root string, b Backend) *watch {
	t.Helper()
	w := prepare(t, root, Options{Backend: b})
	w.run()
	w.ready()
	return w
}

func testChunk(t *testing.T, b Backend) {
	w := started(t, b)
	h := &emswriter.HLS{Dir: w.abs("g/s")}
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	chunk := "g/s/" + filepath.Base(h.Chunk())
	for n := range 5 { // with pauses, as frames come
		for range 20 {
			if _, err := h.Write(emswriter.Packet("s", n)); err != nil {
				t.Fatal(err)
			}
		}
		w.fence(fmt.Sprint("fence", n))
	}
	if evs := w.of(chunk); len(evs) != 0 {
		t.Fatalf("events of a chunk that is open: %v", evs)
	}
	if err := h.Next(4 * time.Second); err != nil {
		t.Fatal(err)
	}
	w.closed(chunk)
	if err := h.End(4 * time.Second); err != nil {
		t.Fatal(err)
	}
	w.closed("g/s/playlist.m3u8")
}

func testRolling(t *testing.T, b Backend)   { testStream(t, b, false) }
func testAppending(t *testing.T, b Backend) { testStream(t, b, true) }

func testStream(t *testing.T, b Backend, appending bool) {
	w := started(t, b)
	h := &emswriter.HLS{Dir: w.abs("g/s"), Appending: appending, List: 3, Stale: 1}
	if err := emswriter.Master(w.abs("g"), emswriter.Variant{Stream: "s", Bandwidth: 1000}); err != nil {
		t.Fatal(err)
	}
	w.closed("g/playlist.m3u8")
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	var chunks []string
	for n := range 12 {
		chunks = append(chunks, "g/s/"+filepath.Base(h.Chunk()))
		if _, err := h.Write(bytes.Repeat(emswriter.Packet("s", n), 10)); err != nil {
			t.Fatal(err)
		}
		end := h.Next
		if n == 11 {
			end = h.End
		}
		if err := end(4 * time.Second); err != nil {
			t.Fatal(err)
		}
		w.closed(chunks[n])
		w.closed("g/s/playlist.m3u8")
	}
	for n, c := range chunks {
		if !appending && n < len(chunks)-4 {
			w.last(Removed, c)
		}
		if evs := w.of(c); evs[0].Op != Closed || evs[0].Version.Size != 1880 || len(evs) > 2 {
			t.Errorf("events of %s: %v", c, evs)
		}
	}
	for _, ev := range w.all() {
		if strings.HasSuffix(ev.Path, ".tmp") {
			t.Errorf("event of a temporary file: %v", ev)
		}
	}
}

func testTruncate(t *testing.T, b Backend) {
	w := started(t, b)
	for n := range 5 {
		w.write("playlist.m3u8", strings.Repeat("x", 100-n))
		w.closed("playlist.m3u8")
		w.write("chunk.ts", strings.Repeat("x", 100-n))
		w.closed("chunk.ts")
	}
}

func testQuickAgain(t *testing.T, b Backend) {
	if b == Poll {
		t.Skip("a scan sees versions only")
	}
	w := started(t, b)
	w.write("playlist.m3u8", "one")
	w.times(1, Closed, "playlist.m3u8")
	fi, err := os.Stat(w.abs("playlist.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	f := w.open("playlist.m3u8")
	if _, err := syscall.Pwrite(int(f.Fd()), []byte("two"), 0); err != nil {
		t.Fatal(err)
	}
	// As if both had come within one tick of the file system's clock.
	if err := os.Chtimes(w.abs("playlist.m3u8"), fi.ModTime(), fi.ModTime()); err != nil {
		t.Fatal(err)
	}
	w.close(f)
	w.times(2, Closed, "playlist.m3u8")
}

func testRecreated(t *testing.T, b Backend) {
	w := started(t, b)
	for n := range 3 {
		w.write("playlist.m3u8", fmt.Sprint("version ", n))
		w.closed("playlist.m3u8")
		w.remove("playlist.m3u8")
	}
	w.last(Removed, "playlist.m3u8")
	w.write("playlist.m3u8", "the last")
	w.closed("playlist.m3u8")
}

func testReopened(t *testing.T, b Backend) {
	w := started(t, b)
	for n := range 10 {
		name := fmt.Sprint("Seg1-Frag", n)
		f := w.open(name)
		w.put(f, "header")
		before := time.Now()
		w.close(f)
		f = w.open(name)
		if time.Since(before) > DefaultSettle/2 {
			continue // the machine is busy, and no watcher could tell this from the last close
		}
		w.fence(name + "-fence") // takes the settle time at least
		if evs := w.of(name); len(evs) != 0 {
			t.Fatalf("events of a file that is open again: %v", evs)
		}
		w.put(f, "frames")
		w.close(f)
		w.closed(name)
		if evs := w.of(name); len(evs) != 1 {
			t.Errorf("%d events, want 1: %v", len(evs), evs)
		}
		return
	}
	t.Skip("the machine is too busy")
}

// Names return, so a manifest may name a fragment whose header alone is written. It is not reported
// when it is found without a writer for a moment.
func testEarlyCloseExpected(t *testing.T, b Backend) {
	w := prepare(t, t.TempDir(), Options{Backend: b, Settle: 200 * time.Millisecond,
		ClosesEarly: func(p string) bool { return strings.Contains(p, "Frag") }})
	var idle sync.Map // names that a look found without a writer
	probe := w.probe
	w.probe = func(path string) (look, error) {
		l, err := probe(path)
		if err == nil && l.writers == free {
			idle.Store(filepath.Base(path), true)
		}
		return l, err
	}
	w.run()
	w.ready()
	for n := range 10 {
		name := fmt.Sprint("Seg1-Frag", n)
		f := w.open(name)
		w.Expect(name)
		before := time.Now()
		w.put(f, "header")
		w.close(f)
		w.eventually("a look at "+name+" without a writer", func() bool { _, seen := idle.Load(name); return seen })
		f = w.open(name)
		if time.Since(before) > youngSettle/2 {
			continue // the machine is busy: the header had time to settle
		}
		if w.fence(fmt.Sprint("fence", n, ".txt")); len(w.of(name)) != 0 {
			t.Fatalf("events of a file that is open again: %v", w.of(name))
		}
		w.put(f, "frames")
		w.close(f)
		w.closed(name)
		return
	}
	t.Skip("the machine is too busy")
}

// A server on a busy machine takes longer than the settle time to open the fragment again.
func testReopenedLate(t *testing.T, b Backend) {
	w := prepare(t, t.TempDir(), Options{Backend: b, ClosesEarly: func(p string) bool { return strings.Contains(p, "Frag") }})
	w.run()
	w.ready()
	for run := range 2 { // the name returns
		header := "header"
		if run > 0 {
			w.remove("Seg1-Frag1")
			if b != Poll { // which only sees the size
				header = strings.Repeat("header", 10)
			}
		}
		w.write("Seg1-Frag1", header)
		w.fence(fmt.Sprint("settled", run))
		time.Sleep(5 * DefaultSettle) // no event can tell that nothing happens here
		f := w.open("Seg1-Frag1")
		w.put(f, "frames")
		time.Sleep(youngAge) // no chunk is shorter
		w.put(f, "more frames")
		w.close(f)
		w.closed("Seg1-Frag1")
		closed := 0
		for _, ev := range w.of("Seg1-Frag1") {
			if ev.Op == Closed {
				closed++
			}
		}
		if closed != run+1 {
			t.Fatalf("in run %d, its events are %v", run, w.of("Seg1-Frag1"))
		}
	}
}

// EMS makes an mp4 file out of four others, and then deletes those.
func testRecording(t *testing.T, b Backend) {
	w := prepare(t, t.TempDir(), Options{Backend: b, Unfinished: media.Layout{Format: media.Recording}.Unfinished})
	w.run()
	w.ready()
	parts := []string{"r.mp4.mdat", "r.mp4.info", "r.mp4.track1", "r.mp4.track2"}
	for _, p := range parts {
		w.write(p, "grew")
	}
	w.write("other.mp4", "has none")
	w.closed("other.mp4")
	w.write("r.mp4", "all of it")
	for _, p := range parts {
		w.closed(p)
		w.fence("before " + p + " is gone")
		if evs := w.of("r.mp4"); len(evs) != 0 {
			t.Fatalf("events while %s exists: %v", p, evs)
		}
		w.remove(p)
		w.last(Removed, p)
	}
	w.closed("r.mp4")
	if evs := w.of("r.mp4"); len(evs) != 1 {
		t.Errorf("%d events, want 1: %v", len(evs), evs)
	}
}

func testPatched(t *testing.T, b Backend) {
	w := started(t, b)
	w.write("1000.fmp4", "whole, look-ahead box empty")
	w.closed("1000.fmp4")
	f, err := os.OpenFile(w.abs("1000.fmp4"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.put(f, "WHOLE")
	w.close(f)
	w.closed("1000.fmp4")
	if evs := w.of("1000.fmp4"); len(evs) != 2 {
		t.Errorf("%d events, want 2: %v", len(evs), evs)
	}
}

func testPermissionFile(t *testing.T, b Backend) {
	w := started(t, b)
	w.write("r1.mp4", "")
	w.remove("r1.mp4")
	w.fence("fence")
	if evs := w.of("r1.mp4"); len(evs) != 0 && b != Poll { // a scan may just have met it
		t.Errorf("events: %v", evs)
	}
}

func testEmpty(t *testing.T, b Backend) {
	w := started(t, b)
	w.write("empty.ts", "")
	w.closed("empty.ts")
}

func testNewDirectory(t *testing.T, b Backend) {
	w := started(t, b)
	for n := range 20 {
		dir := fmt.Sprintf("g%d/s/video/198000", n)
		w.mkdir(dir)
		w.write(dir+"/seg_init.mp4", "init")
		w.write(dir+"/../../playlist.m3u8", "list")
	}
	for n := range 20 {
		w.closed(fmt.Sprintf("g%d/s/video/198000/seg_init.mp4", n))
		w.closed(fmt.Sprintf("g%d/s/playlist.m3u8", n))
	}
}

func testManyDirectories(t *testing.T, b Backend) {
	w := startedIn(t, testproc.TempDirInMemory(t), b)
	for n := range 1000 {
		dir := fmt.Sprintf("g/s%d", n)
		w.mkdir(dir)
		w.write(dir+"/1.ts", "x")
	}
	for n := range 1000 {
		w.closed(fmt.Sprintf("g/s%d/1.ts", n))
	}
	for n := range 1000 { // all are watched by now
		w.write(fmt.Sprintf("g/s%d/2.ts", n), "x")
	}
	for n := range 1000 {
		w.closed(fmt.Sprintf("g/s%d/2.ts", n))
	}
	if s := w.State(); s.Dirs != 1002 || s.Files != 2000 || b != Poll && s.Watches != 1002 || s.Degraded {
		t.Errorf("state: %+v", s)
	}
}

func testOverflow(t *testing.T, b Backend) {
	stall := make(chan struct{})
	w := prepare(t, t.TempDir(), Options{Backend: b, Ignore: func(path string, _ bool) bool {
		if path == "stall" {
			<-stall
		}
		return false
	}})
	w.mkdir("d")
	w.write("d/old.ts", "old")
	w.newNotify = func(b Backend) (notifier, error) {
		defer lowerQueue(t)()
		return w.create(b)
	}
	if b != Poll && os.Getuid() != 0 {
		t.Skip("only root may lower the queue's length")
	}
	w.run()
	w.ready()
	w.closed("d/old.ts")

	w.write("stall", "")
	w.remove("d/old.ts")
	for n := range 500 {
		w.write(fmt.Sprintf("d/%d.ts", n), "x")
	}
	w.mkdir("new")
	w.write("new/1.ts", "x")
	close(stall)
	for n := range 500 {
		w.closed(fmt.Sprintf("d/%d.ts", n))
	}
	w.closed("new/1.ts")
	w.last(Removed, "d/old.ts")
	if s := w.State(); b != Poll && s.Overflows == 0 {
		t.Errorf("state: %+v", s)
	}
	w.write("new/2.ts", "x") // the new directory is watched, too
	w.closed("new/2.ts")
}

// lowerQueue makes the kernel's event queue short for watchers that are made now.
func lowerQueue(t *testing.T) (restore func()) {
	const limit = "/proc/sys/fs/inotify/max_queued_events"
	queueMu.Lock()
	old, err := os.ReadFile(limit)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(old)) == "16" {
		old = []byte("16384") // another process tests, too: the kernel's default
	}
	lowered := os.WriteFile(limit, []byte("16"), 0)
	if lowered != nil {
		t.Logf("cannot lower the queue's length: %v", lowered)
	}
	return func() {
		defer queueMu.Unlock()
		if lowered != nil {
			return
		}
		if err := os.WriteFile(limit, old, 0); err != nil {
			t.Error(err)
		}
	}
}

func testRootLate(t *testing.T, b Backend) {
	w := prepare(t, filepath.Join(t.TempDir(), "a/root"), Options{Backend: b})
	w.run()
	w.eventually("the log line", func() bool { return w.log.count("root does not exist yet") > 0 })
	select {
	case <-w.Ready():
		t.Fatal("ready without a root")
	default:
	}
	w.eventually("a state that says that the root is waited for", func() bool { return w.State().Waiting })
	w.mkdir("g/s")
	w.write("g/s/1.ts", "x")
	w.closed("g/s/1.ts")
	w.ready()
	if n := w.log.count("root does not exist yet"); n != 1 {
		t.Errorf("%d log lines, want 1", n)
	}
	if s := w.State(); s.Waiting || s.Backend != b {
		t.Errorf("state: %+v", s)
	}
}

func testRootBack(t *testing.T, b Backend) {
	w := prepare(t, filepath.Join(t.TempDir(), "root"), Options{Backend: b})
	w.mkdir("g")
	for _, name := range []string{"g/kept.ts", "g/gone.ts", "g/changed.ts"} {
		w.write(name, "x")
	}
	w.run()
	for _, name := range []string{"g/kept.ts", "g/gone.ts", "g/changed.ts"} {
		w.closed(name)
	}
	away := w.root + "-away"
	if err := os.Rename(w.root, away); err != nil {
		t.Fatal(err)
	}
	w.eventually("the root is missed", func() bool { return w.State().Waiting })
	w.Expect("g/kept.ts")
	if err := os.Remove(filepath.Join(away, "g/gone.ts")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(away, "g/changed.ts"), []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	if evs := w.all(); len(evs) != 3 {
		t.Errorf("events while the root is gone: %v", evs)
	}
	if err := os.Rename(away, w.root); err != nil {
		t.Fatal(err)
	}
	w.closed("g/changed.ts")
	w.last(Removed, "g/gone.ts")
	w.times(2, Closed, "g/kept.ts") // the answer to Expect
	w.write("g/new.ts", "x")
	w.closed("g/new.ts")
	if evs := w.all(); len(evs) != 7 {
		t.Errorf("%d events, want 7: %v", len(evs), evs)
	}
}

func testRootRecreated(t *testing.T, b Backend) {
	w := prepare(t, filepath.Join(t.TempDir(), "root"), Options{Backend: b})
	w.mkdir("g/s")
	w.write("g/s/1.ts", "x")
	w.run()
	w.closed("g/s/1.ts")
	for n := range 3 {
		if err := os.Rename(w.root, fmt.Sprint(w.root, n)); err != nil {
			t.Fatal(err)
		}
		w.mkdir("g/s")
		name := fmt.Sprintf("g/s/new%d.ts", n)
		w.write(name, "x")
		w.closed(name)
	}
	w.last(Removed, "g/s/1.ts")
	w.remove("")
	w.mkdir("g/s")
	w.write("g/s/last.ts", "x")
	w.closed("g/s/last.ts")
}

func testRenamedIn(t *testing.T, b Backend) {
	w := started(t, b)
	outside := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(outside, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(outside, w.abs("in.ts")); err != nil {
		t.Fatal(err)
	}
	w.closed("in.ts")
	w.write("list.tmp", "x")
	w.rename("list.tmp", "list.m3u8")
	w.closed("list.m3u8")
	w.rename("in.ts", "other.ts")
	w.closed("other.ts")
	w.last(Removed, "in.ts")
}

func testRenamedOver(t *testing.T, b Backend) {
	w := started(t, b)
	w.write("playlist.m3u8", "one")
	w.closed("playlist.m3u8")
	w.write("new.tmp", "two")
	w.rename("new.tmp", "playlist.m3u8")
	w.closed("playlist.m3u8")
}

func testHardLink(t *testing.T, b Backend) {
	w := started(t, b)
	outside := filepath.Join(filepath.Dir(w.root), "outside-"+b.String())
	f, err := os.Create(outside)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(outside)
	if err := os.Link(outside, w.abs("link.ts")); err != nil {
		t.Fatal(err)
	}
	w.put(f, "written under the other name")
	w.fence("fence")
	if evs := w.of("link.ts"); len(evs) != 0 {
		t.Fatalf("events of a file that is open under another name: %v", evs)
	}
	w.close(f)
	w.closed("link.ts")
}

func testMovedDirectory(t *testing.T, b Backend) {
	w := started(t, b)
	w.mkdir("a/x")
	w.write("a/x/1.ts", "x")
	w.closed("a/x/1.ts")
	w.rename("a", "b")
	w.closed("b/x/1.ts")
	w.last(Removed, "a/x/1.ts")
	w.write("b/x/2.ts", "x")
	w.closed("b/x/2.ts")
	w.mkdir("a/x")
	w.write("a/x/3.ts", "x")
	w.closed("a/x/3.ts")
	w.write("b/x/4.ts", "x")
	w.closed("b/x/4.ts")
	if s := w.State(); s.Dirs != 5 || b != Poll && s.Watches != 5 {
		t.Errorf("state: %+v", s)
	}
}

// A daemon that is told to stop while files are written goes on watching. Files that a scan finds
// count, too.
func testOnlyScanned(t *testing.T, b Backend) {
	w := started(t, b)
	out := filepath.Join(t.TempDir(), "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "1.ts"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	written := time.Now().Add(-5 * time.Second)
	if err := os.Chtimes(filepath.Join(out, "1.ts"), written, written); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(out, w.abs("a")); err != nil {
		t.Fatal(err)
	}
	w.closed("a/1.ts")
	if s := w.State(); !s.Changed.Equal(written) {
		t.Errorf("files changed at %v, want %v", s.Changed, written)
	}
}

func testMovedOut(t *testing.T, b Backend) {
	w := started(t, b)
	w.mkdir("a/x")
	w.write("a/x/1.ts", "x")
	w.closed("a/x/1.ts")
	out := filepath.Join(t.TempDir(), "out")
	if err := os.Rename(w.abs("a"), out); err != nil {
		t.Fatal(err)
	}
	w.last(Removed, "a/x/1.ts")
	if err := os.WriteFile(filepath.Join(out, "x/2.ts"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w.fence("fence")
	if s := w.State(); s.Dirs != 1 || b != Poll && s.Watches != 1 {
		t.Errorf("state: %+v", s)
	}
	if evs := w.of("a/x/2.ts"); len(evs) != 0 {
		t.Errorf("events from outside the root: %v", evs)
	}
}

func testDeletedDirectory(t *testing.T, b Backend) {
	w := started(t, b)
	w.mkdir("a/x")
	for n := range 50 {
		w.write(fmt.Sprintf("a/x/%d.ts", n), "x")
	}
	for n := range 50 {
		w.closed(fmt.Sprintf("a/x/%d.ts", n))
	}
	w.remove("a")
	for n := range 50 {
		w.last(Removed, fmt.Sprintf("a/x/%d.ts", n))
	}
	w.eventually("nothing is known any more", func() bool { s := w.State(); return s.Dirs == 1 && s.Files == 0 && (b == Poll || s.Watches == 1) })
}

func testDirectoryRecreated(t *testing.T, b Backend) {
	w := started(t, b)
	for n := range 10 {
		w.mkdir("g/s")
		name := fmt.Sprintf("g/s/%d.ts", n)
		w.write(name, "x")
		w.closed(name)
		w.remove("g")
		w.mkdir("g/s")
		w.write("g/s/same.ts", fmt.Sprint("content ", n))
		w.closed("g/s/same.ts")
		w.last(Removed, name)
		w.remove("g")
	}
	w.last(Removed, "g/s/same.ts")
}

func testNotRegular(t *testing.T, b Backend) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.Mkdir(secret, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(secret, "1.ts"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := started(t, b)
	if err := os.Symlink(filepath.Join(secret, "1.ts"), w.abs("link.ts")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, w.abs("dir")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(w.abs("fifo.ts"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", w.abs("socket.ts"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w.Expect("dir/1.ts", "link.ts", "fifo.ts")
	w.last(Absent, "dir/1.ts")
	w.last(Absent, "link.ts")
	w.last(Absent, "fifo.ts")
	w.eventually("the log line", func() bool { return w.log.count("path=socket.ts") > 0 }) // no manifest names it
	w.fence("fence")
	for _, ev := range w.all() {
		if ev.Op == Closed && ev.Path != "fence" {
			t.Errorf("event: %v", ev)
		}
	}
	for _, name := range []string{"link.ts", "fifo.ts", "socket.ts"} {
		if n := w.log.count("path=" + name); n != 1 {
			t.Errorf("%d log lines on %s, want 1:\n%s", n, name, w.log)
		}
	}
}

func testNames(t *testing.T, b Backend) {
	w := started(t, b)
	names := []string{"a b", "ümläut", "per%cent", "p+l#u?s", "inv\xff\xfealid", "line\nbreak", "back\\slash", "-rf"}
	for _, dir := range names {
		w.mkdir(dir)
		for _, name := range names {
			w.write(dir+"/"+name, "x")
		}
	}
	for _, dir := range names {
		for _, name := range names {
			w.closed(dir + "/" + name)
			w.Expect(dir + "/" + name)
			w.times(2, Closed, dir+"/"+name)
		}
	}
}

func testIgnored(t *testing.T, b Backend) {
	w := prepare(t, t.TempDir(), Options{Backend: b, Ignore: func(path string, dir bool) bool {
		return dir && path == "g/skip" || !dir && strings.HasSuffix(path, ".mdat")
	}})
	w.run()
	w.ready()
	w.mkdir(".spool")
	w.mkdir("g/skip")
	for _, name := range []string{".spool/1.ts", "g/.hidden", "g/playlist.m3u8.tmp", "g/skip/1.ts", "g/r.mp4.mdat"} {
		w.write(name, "x")
		w.Expect(name)
		w.last(Absent, name)
	}
	w.fence("g/fence")
	for _, ev := range w.all() {
		if ev.Op == Closed && ev.Path != "g/fence" {
			t.Errorf("event: %v", ev)
		}
	}
	if s := w.State(); s.Dirs != 2 {
		t.Errorf("state: %+v", s)
	}
}

func testDirectoryLikeChunk(t *testing.T, b Backend) {
	w := started(t, b)
	w.write("1.ts", "x")
	w.closed("1.ts")
	w.remove("1.ts")
	w.mkdir("1.ts")
	w.write("1.ts/2.ts", "x")
	w.closed("1.ts/2.ts")
	w.last(Removed, "1.ts")
	w.remove("1.ts")
	w.write("1.ts", "a file again")
	w.closed("1.ts")
	w.last(Removed, "1.ts/2.ts")
}

func testExpectOpen(t *testing.T, b Backend) {
	w := started(t, b)
	f := w.open("1.ts")
	w.put(f, "x")
	w.Expect("1.ts")
	w.fence("fence")
	if evs := w.of("1.ts"); len(evs) != 0 {
		t.Fatalf("events of a file that is open: %v", evs)
	}
	w.close(f)
	w.closed("1.ts")
}

func testExpectAbsent(t *testing.T, b Backend) {
	w := started(t, b)
	paths := []string{"absent.ts", "no/dir.ts", "../out.ts", "/abs.ts", "a/../b.ts", "", ".", "a//b", "dir/", "nul\x00",
		strings.Repeat("long", 100), strings.Repeat("deep/", 2000) + "1.ts"}
	w.Expect(paths...)
	for _, p := range paths {
		w.last(Absent, p)
	}
	w.write("absent.ts", "here now")
	w.closed("absent.ts")
}

func testExpectAgain(t *testing.T, b Backend) {
	w := started(t, b)
	w.write("1.ts", "x")
	w.closed("1.ts")
	for n := range 3 {
		w.Expect("1.ts")
		w.times(n+2, Closed, "1.ts")
	}
	w.remove("1.ts")
	w.Expect("1.ts")
	w.times(1, Absent, "1.ts")
	w.times(1, Removed, "1.ts")
}

func testExpectNewDirectory(t *testing.T, b Backend) {
	w := started(t, b)
	for n := range 20 {
		dir := fmt.Sprintf("g%d/s", n)
		w.mkdir(dir)
		w.write(dir+"/1.ts", "x")
		w.Expect(dir + "/1.ts")
	}
	for n := range 20 {
		name := fmt.Sprintf("g%d/s/1.ts", n)
		w.closed(name)
		if evs := w.of(name); evs[0].Op != Closed {
			t.Errorf("events: %v", evs)
		}
	}
}

func testSlowConsumer(t *testing.T, b Backend) {
	w := prepare(t, t.TempDir(), Options{Backend: b})
	events := make(chan Event)
	done := make(chan error)
	ctx := t.Context()
	go func() { done <- w.Run(ctx, events) }()
	w.ready()
	for n := range 200 { // the consumer takes no event
		w.write("playlist.m3u8", strings.Repeat("x", 200-n))
		w.write(fmt.Sprintf("%d.ts", n%10), strings.Repeat("x", 200-n))
	}
	w.write("last.ts", "x")
	got := map[string]int{}
	for got["last.ts"] == 0 || len(got) < 12 {
		select {
		case ev := <-events:
			got[ev.Path]++
		case <-time.After(patience):
			t.Fatalf("got %v", got)
		}
	}
	if len(got) != 12 {
		t.Errorf("got %v", got)
	}
	// The events of one file became one, as far as they were not taken yet.
	if got["playlist.m3u8"] > 20 {
		t.Errorf("%d events of the playlist", got["playlist.m3u8"])
	}
	t.Cleanup(func() { <-done })
}

func testBefore(t *testing.T, b Backend) {
	w := prepare(t, t.TempDir(), Options{Backend: b})
	w.mkdir("g/s")
	w.write("g/s/1.ts", "x")
	f := w.open("g/s/open.ts")
	w.put(f, "x")
	w.run()
	w.ready()
	w.closed("g/s/1.ts")
	w.fence("fence")
	if evs := w.of("g/s/open.ts"); len(evs) != 0 {
		t.Fatalf("events of a file that is open: %v", evs)
	}
	w.close(f)
	w.closed("g/s/open.ts")
}

// After Settled, the consumer has the events of all files that existed and were whole.
func testSettled(t *testing.T, b Backend) {
	w := prepare(t, t.TempDir(), Options{Backend: b})
	w.mkdir("g/s")
	for _, name := range []string{"g/s/1.ts", "g/s/2.ts", "g/s/playlist.m3u8"} {
		w.write(name, "x")
	}
	f := w.open("g/s/open.ts")
	defer w.close(f)
	w.put(f, "x")

	ctx, cancel := context.WithCancel(context.Background())
	events, done := make(chan Event), make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx, events) }() // it returns nil
	defer func() { cancel(); <-done }()
	w.ready()
	got := map[string]bool{}
	for range 3 {
		select {
		case <-w.Settled():
			t.Fatalf("settled when only %v were taken", got)
		case e := <-events:
			got[e.Path] = true
		case <-time.After(patience):
			t.Fatalf("only %v came", got)
		}
	}
	if len(got) != 3 || got["g/s/open.ts"] {
		t.Errorf("closed were %v", got)
	}
	select {
	case <-w.Settled():
	case <-time.After(patience):
		t.Error("not settled")
	}
}

// needLeases skips a test where the kernel does not say whether a file is open for writing.
func needLeases(t *testing.T) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := probeFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if l.writers != free {
		t.Skip("leases do not work here")
	}
}
