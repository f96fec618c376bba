// Package watcher turns a directory tree into events: a file is closed, so that its content is
// final, or a name is gone. A [Watcher] reports what is there at its start, and then what changes. It
// asks the kernel, by a lease, whether a process still has a file open for writing. Where the kernel
// does not say, as on a network file system, it waits until the file has not changed for some time.
// A slow consumer never stops it. It does not read files.
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
	// Closed means that no writer has the file open, and that its content is final for now. Another
	// Closed reports a later version.
	Closed Op = iota + 1
	// Removed means that the name of a file that was Closed is gone.
	Removed
	// Absent answers Expect: no regular file has the name.
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

// An Event says what is true of a path now. A newer event of a path replaces one that the consumer
// has not taken yet.
type Event struct {
	Op      Op
	Path    string        // below the root, slash-separated, any bytes
	Version media.Version // of a Closed file
}

// Backend is how changes are noticed.
type Backend uint8

// The backends.
const (
	Auto     Backend = iota // Inotify if its events tell all of the file system, else Poll; Fsnotify off Linux
	Inotify                 // Linux only; sees closes
	Fsnotify                // sees each write
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

// Options are the settings of a Watcher. The zero value of each is its default.
type Options struct {
	Backend      Backend
	Settle       time.Duration // how long a file without writers must be unchanged
	SlowSettle   time.Duration // the same if it is not known whether there are writers
	PollInterval time.Duration // between two scans of Poll, or of a tree that cannot be watched as a whole

	// Quick reports whether path is a manifest, whose reader recognises incomplete content. A
	// manifest is Closed at every closing, even if its version looks unchanged, and without settle
	// time; where closings are not seen, after Settle.
	Quick func(path string) bool
	// ClosesEarly reports whether the writer of path closes it once before it is whole, soon after
	// it appeared, and opens it again at once. Such a file must stand still for Settle even if it
	// is expected, and for a second while it is so young that a close may be that one.
	ClosesEarly func(path string) bool
	// Unfinished returns the names of files beside path that say, by their presence, that path is
	// not whole although no process has it open. It is Closed when they are gone.
	Unfinished func(path string) []string
	// Ignore reports whether to leave path out, besides *.tmp and names that begin with a dot.
	Ignore func(path string, dir bool) bool
	Log    *slog.Logger
	// Trouble reports failures. The caller calls its Sweep. If it is nil, they are logged to Log.
	Trouble *trouble.Reporter
}

// State describes a Watcher.
type State struct {
	Backend   Backend // in use; Auto until the root was found
	Watches   int     // directories that the kernel watches
	Dirs      int     // directories in the tree
	Files     int     // files known
	Overflows int     // times that the kernel's queue was full; each led to a scan of the whole tree
	Refusals  int     // looks at a file to which the kernel refused a lease: it did not tell of writers
	Waiting   bool    // the root was found not to exist
	Degraded  bool    // the kernel does not watch all directories: the tree is scanned every PollInterval

	Written int       // files that are being written; manifests do not count
	Begun   time.Time // when the newest file appeared; manifests do not count
	Changed time.Time // when any file was last seen to change, or to be gone
}

// A Watcher watches one root. Run does the work. All other methods may be called at any time, from
// any goroutine.
type Watcher struct {
	root string
	opts Options

	probe       func(path string) (look, error)       // tests replace it
	newNotify   func(b Backend) (notifier, error)     // tests wrap it
	statfs      func(root string) (fileSystem, error) // tests replace it
	mountsBelow func(root string) map[string]mount    // tests replace it

	disk   disk.Calls // of the goroutine of Run
	unseen unseen

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
		root:        root,
		opts:        o,
		probe:       probeFile,
		statfs:      statfs,
		mountsBelow: mountsBelow,
		ready:       make(chan struct{}),
		settled:     make(chan struct{}),
		requests:    newRequests(),
	}
	w.newNotify = func(b Backend) (notifier, error) { return newNotifier(b, w.root, o.Trouble) }
	return w
}

// Run watches until ctx ends. Then it returns nil, and all goroutines that it started have ended.
// It may be called once. If a mount hangs, Run hangs, and nothing else.
func (w *Watcher) Run(ctx context.Context, events chan<- Event) error {
	if !w.started.CompareAndSwap(false, true) {
		return errors.New("the watcher was run before")
	}
	newTree(w).run(ctx, events)
	return nil
}

// Expect says that a manifest names these files, so that they are wanted now. It never blocks. An
// event answers for each: Closed as soon as no process has it open for writing, without settle
// time, even if it was reported before; or Absent.
func (w *Watcher) Expect(paths ...string) {
	if len(paths) > 0 {
		w.requests.expect(paths)
	}
}

// Look says that these files may have changed. They are looked at sooner where the backend does not
// report changes. Unlike Expect, it has no answer: it changes when a file is looked at, not when it
// counts as closed. It never blocks. Beyond a limit, paths are dropped; the next scan finds those
// files.
func (w *Watcher) Look(paths ...string) { w.requests.look(paths) }

// Rescan has the whole tree scanned, for example because the answers of Ignore have changed. It
// never blocks.
func (w *Watcher) Rescan() { signal(w.requests.rescan) }

// Ready is closed when the root is watched and its first scan is done.
func (w *Watcher) Ready() <-chan struct{} { return w.ready }

// Settled is closed when the watcher has decided on all files that the first scan found, except
// those that are being written, and the consumer has taken the events.
func (w *Watcher) Settled() <-chan struct{} { return w.settled }

// StuckSince returns since when a file system has not answered a call, or the zero time. Meanwhile
// nothing is seen of the root.
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
