package watcher

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ems-sidecar/internal/testproc"
	"ems-sidecar/media"
)

// queueMu guards the kernel's limit of queued events, which a test lowers: what makes a watcher reads it.
var queueMu sync.RWMutex

func TestMain(m *testing.M) {
	testproc.Enclose()
	testproc.Parallel(8)
	goleak.VerifyTestMain(m)
}

// patience is how long a test waits for an event.
const patience = 20 * time.Second

// A watch is a running Watcher with its events and its log.
type watch struct {
	*Watcher
	t      *testing.T
	root   string
	create func(Backend) (notifier, error) // without a look at the kernel's limit
	log    *logBuffer
	mu     sync.Mutex // guards what follows
	events []Event
	newest map[string]Event
	counts map[string]int // by op and path
	more   chan struct{}  // closed at the next event
}

// prepare returns a watcher of root that does not run yet.
func prepare(t *testing.T, root string, o Options) *watch {
	t.Helper()
	log := &logBuffer{}
	if o.PollInterval == 0 {
		o.PollInterval = 20 * time.Millisecond
	}
	if o.SlowSettle == 0 {
		o.SlowSettle = 300 * time.Millisecond
	}
	if o.Quick == nil {
		o.Quick = func(path string) bool { return strings.HasSuffix(path, ".m3u8") }
	}
	o.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w := &watch{Watcher: New(root, o), t: t, root: root, log: log, newest: map[string]Event{}, counts: map[string]int{}, more: make(chan struct{})}
	// The tests' directory may be on any file system. Shared file systems have tests of their own.
	w.statfs = func(string) (fileSystem, error) { return fileSystem{name: "test"}, nil }
	w.create = w.newNotify
	w.newNotify = func(b Backend) (notifier, error) {
		queueMu.RLock()
		defer queueMu.RUnlock()
		return w.create(b)
	}
	return w
}

// run starts the watcher, and stops it at the test's end.
func (w *watch) run() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	events, done := make(chan Event), make(chan struct{})
	go func() {
		defer close(done)
		defer close(events)
		if err := w.Run(ctx, events); err != nil {
			w.t.Error(err)
		}
	}()
	go func() {
		for ev := range events {
			w.mu.Lock()
			w.events = append(w.events, ev)
			w.newest[ev.Path] = ev
			w.counts[ev.Op.String()+" "+ev.Path]++
			close(w.more)
			w.more = make(chan struct{})
			w.mu.Unlock()
		}
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
		if w.t.Failed() {
			w.t.Logf("events: %v\nlog:\n%s", w.all(), w.log)
		}
	})
}

func (w *watch) ready() {
	w.t.Helper()
	select {
	case <-w.Ready():
	case <-time.After(patience):
		w.t.Fatal("not ready")
	}
}

func (w *watch) all() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Event(nil), w.events...)
}

// of returns the events of a path so far.
func (w *watch) of(path string) []Event {
	var evs []Event
	for _, ev := range w.all() {
		if ev.Path == path {
			evs = append(evs, ev)
		}
	}
	return evs
}

// until waits until the events so far satisfy ok.
func (w *watch) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		more, done := w.more, ok()
		w.mu.Unlock()
		if done {
			return
		}
		select {
		case <-more:
		case <-deadline:
			w.t.Fatalf("no event that %s", what)
		}
	}
}

// eventually waits for what no event reports.
func (w *watch) eventually(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited for: %s", what)
		}
	}
}

// closed waits until the newest event of path is that it is closed as it is on disk now.
func (w *watch) closed(path string) {
	w.t.Helper()
	fi, err := os.Lstat(w.abs(path))
	if err != nil {
		w.t.Fatal(err)
	}
	v := media.VersionOf(fi)
	w.until(path+" is closed as it is", func() bool {
		ev := w.newest[path]
		return ev.Op == Closed && ev.Version.Equal(v)
	})
}

// last waits until the newest event of path is op.
func (w *watch) last(op Op, path string) {
	w.t.Helper()
	w.until(path+" is "+op.String(), func() bool { return w.newest[path].Op == op })
}

// times waits until path has n events op.
func (w *watch) times(n int, op Op, path string) {
	w.t.Helper()
	w.until(path+" is "+op.String()+" again", func() bool { return w.counts[op.String()+" "+path] >= n })
}

// fence writes a new file and waits for its event. By then, all that was due before is decided.
func (w *watch) fence(name string) {
	w.t.Helper()
	w.write(name, "fence")
	w.closed(name)
}

func (w *watch) abs(path string) string { return filepath.Join(w.root, filepath.FromSlash(path)) }

func (w *watch) mkdir(path string) {
	w.t.Helper()
	if err := os.MkdirAll(w.abs(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// write creates or truncates a file, writes it and closes it.
func (w *watch) write(path, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.abs(path), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watch) remove(path string) {
	w.t.Helper()
	if err := os.RemoveAll(w.abs(path)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watch) rename(from, to string) {
	w.t.Helper()
	if err := os.Rename(w.abs(from), w.abs(to)); err != nil {
		w.t.Fatal(err)
	}
}

// open opens a file for appending and creates it if need be.
func (w *watch) open(path string) *os.File {
	w.t.Helper()
	f, err := os.OpenFile(w.abs(path), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = f.Close() })
	return f
}

func (w *watch) put(f *os.File, text string) {
	w.t.Helper()
	if _, err := f.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watch) close(f *os.File) {
	w.t.Helper()
	if err := f.Close(); err != nil {
		w.t.Fatal(err)
	}
}

type logBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) count(s string) int { return strings.Count(l.String(), s) }
