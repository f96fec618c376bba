// Package watcher turns a directory tree into events: which file is closed, with its content final,
// and which name is gone. It asks the kernel whether a file is still being written; where the kernel does
// not tell, it waits for silence. A slow consumer never stops it. It reads no file and knows nothing of
// what is in them.
package watcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
)

// Op is what happened to a name.
type Op uint8

const (
	// Closed means that no writer has the file open, and its content is final for now. A later version of it is
	// another Closed.
	Closed Op = iota + 1
	// Removed means that the name of a file for which there was a Closed is gone.
	Removed
	// Absent answers Expect for a name that no regular file has.
	Absent
)

func (o Op) String() string {
	switch o {
	case Closed:
		return "closed"
	case Removed:
		return "removed"
	case Absent:
		return "absent"
	}
	return fmt.Sprintf("op(%d)", uint8(o))
}

// An Event says what is true of a path now. Events of one path that no one has taken yet become one:
// the newest.
type Event struct {
	Op      Op
	Path    string        // below the root, slash-separated, any bytes
	Version media.Version // of a Closed file
}

// Backend is how changes are noticed.
type Backend uint8

// The backends.
const (
	Auto     Backend = iota // by the file system: Inotify where its events tell all, Poll where not, Fsnotify off Linux
	Inotify                 // Linux only; sees a close
	Fsnotify                // sees writes, and is woken by each
	Poll                    // scans every PollInterval
)

var backends = [...]string{Auto: "auto", Inotify: "inotify", Fsnotify: "fsnotify", Poll: "poll"}

func (b Backend) String() string {
	if int(b) < len(backends) {
		return backends[b]
	}
	return fmt.Sprintf("backend(%d)", uint8(b))
}

// ParseBackend returns the backend of that name; the empty name is Auto.
func ParseBackend(name string) (Backend, error) {
	if name == "" {
		return Auto, nil
	}
	for b, s := range backends {
		if s == name {
			return Backend(b), nil
		}
	}
	return Auto, fmt.Errorf("unknown backend %q: want one of %s", name, strings.Join(backends[:], ", "))
}

// Defaults of Options.
const (
	DefaultSettle       = 30 * time.Millisecond
	DefaultSlowSettle   = 2 * time.Second
	DefaultPollInterval = time.Second
)

// Options are a Watcher's settings; the zero value of each is its default.
type Options struct {
	Backend      Backend
	Settle       time.Duration // how long a file without writers must be unchanged
	SlowSettle   time.Duration // the same where no one can tell whether there is a writer
	PollInterval time.Duration // between two scans of Poll, or of a tree that cannot be watched as a whole

	// Quick names the files whose reader recognises an incomplete content, which are manifests: they are
	// Closed at every closing, even if their version looks unchanged, and without waiting; where
	// closings cannot be seen, after Settle.
	Quick func(path string) bool
	// ClosesEarly names the files that are closed once before they are whole, soon after they appeared, and opened
	// again at once: they have to stand still for Settle even if they are expected, and for a second while
	// they are so young that it may be that close.
	ClosesEarly func(path string) bool
	// Unfinished names the files beside path whose presence says that it is not whole, although no one has
	// it open: it is Closed when they are gone.
	Unfinished func(path string) []string
	// Ignore names what is left out besides *.tmp, dot files and dot directories.
	Ignore func(path string, dir bool) bool
	Log    *slog.Logger
	// Trouble is told what goes wrong. The caller calls its Sweep. Nil: it goes to Log.
	Trouble *trouble.Reporter
}

// State is what a Watcher says of itself.
type State struct {
	Backend   Backend // the chosen one; Auto until the root was found
	Watches   int     // directories that the kernel watches for us
	Dirs      int     // directories in the tree
	Files     int     // files known
	Overflows int     // how often the kernel's queue was full; each led to a scan of the whole tree
	Waiting   bool    // the root was found not to exist
	Degraded  bool    // the kernel does not watch all directories, so they are scanned every PollInterval

	// Of files that are no manifests: how many are being written, and when the last one was begun.
	Written int
	Begun   time.Time
	Changed time.Time // when any file was last seen to change, or to be gone
}

// A Watcher watches one root. Run does the work; all other methods may be called at any time from
// any goroutine.
type Watcher struct {
	root string
	opts Options

	probe     func(path string) (look, error)       // tests replace it
	newNotify func(b Backend) (notifier, error)     // tests wrap it
	statfs    func(root string) (fileSystem, error) // tests replace it

	disk disk.Calls // that Run waits for

	started  atomic.Bool
	ready    chan struct{}
	settled  chan struct{}
	requests requests
	stateMu  sync.Mutex // guards state
	state    State
}

// New returns a Watcher of root, which need not exist yet.
func New(root string, o Options) *Watcher {
	if o.Settle <= 0 {
		o.Settle = DefaultSettle
	}
	if o.SlowSettle <= 0 {
		o.SlowSettle = DefaultSlowSettle
	}
	if o.PollInterval <= 0 {
		o.PollInterval = DefaultPollInterval
	}
	if o.Quick == nil {
		o.Quick = func(string) bool { return false }
	}
	if o.ClosesEarly == nil {
		o.ClosesEarly = func(string) bool { return false }
	}
	if o.Unfinished == nil {
		o.Unfinished = func(string) []string { return nil }
	}
	if o.Ignore == nil {
		o.Ignore = func(string, bool) bool { return false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	if o.Trouble == nil {
		o.Trouble = trouble.New(o.Log, time.Now)
	}
	o.Log, o.Trouble = o.Log.With("root", root), o.Trouble.With("root", root)
	w := &Watcher{
		root:     root,
		opts:     o,
		probe:    probeFile,
		statfs:   statfs,
		ready:    make(chan struct{}),
		settled:  make(chan struct{}),
		requests: newRequests(),
	}
	w.newNotify = func(b Backend) (notifier, error) { return newNotifier(b, w.root, o.Trouble) }
	return w
}

// Run watches until ctx ends and then returns nil, with every goroutine that it started ended. It
// may be called once. A mount that hangs, hangs Run with it, and nothing else.
func (w *Watcher) Run(ctx context.Context, events chan<- Event) error {
	if !w.started.CompareAndSwap(false, true) {
		return errors.New("watcher runs or ran already")
	}
	newTree(w).run(ctx, events)
	return nil
}

// Expect says that a manifest names these files, so that they are wanted now. It never blocks. Each
// is answered by an event: Closed as soon as no process has it open for writing, without settle
// time, even if that was said before; or Absent.
func (w *Watcher) Expect(paths ...string) {
	if len(paths) > 0 {
		w.requests.expect(paths)
	}
}

// Look says that something may have happened to these files. They are looked at sooner where the backend
// does not tell. Unlike Expect, it promises nothing and is not answered: a file is closed when it would be
// anyway. It never blocks. Beyond a limit, paths are dropped; the next scan finds those files.
func (w *Watcher) Look(paths ...string) { w.requests.look(paths) }

// Rescan has the whole tree scanned, for example because the answers of Ignore have changed. It never blocks.
func (w *Watcher) Rescan() { signal(w.requests.rescan) }

// Ready is closed once the root is watched and its first scan is done.
func (w *Watcher) Ready() <-chan struct{} { return w.ready }

// Settled is closed once all that the first scan found has been decided on, except for what is being written, and
// the reader of the events has taken it.
func (w *Watcher) Settled() <-chan struct{} { return w.settled }

// StuckSince returns since when a file system has not answered a call, so that nothing is seen of the root, or the zero time.
func (w *Watcher) StuckSince(now time.Time) time.Time { return w.disk.StuckSince(now) }

// State returns the current state.
func (w *Watcher) State() State {
	w.stateMu.Lock()
	defer w.stateMu.Unlock()
	return w.state
}

func (w *Watcher) setState(s State) {
	w.stateMu.Lock()
	w.state = s
	w.stateMu.Unlock()
}
