// Package spool keeps the content of files from which someone else may take the name at any time: by a hard link
// where that is possible, by an open descriptor where not. No bytes are copied. What it has on disk is, after a
// restart, the list of what was not released. It knows nothing of what is in the files, nor what becomes of them.
package spool

import (
	"context"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
)

// Settings are what a Spool is told. Its functions are called from Run, one at a time.
type Settings struct {
	Root   string  // whose files are kept
	Dir    string  // for the links, below which paths are as below Root; on Root's file system, if links are to be possible
	Budget *Budget // shared by all spools
	// Found is told of each file that an earlier run has kept, and whose name is gone.
	Found func(ctx context.Context, p string, v media.Version)
	// Returned is told of each file that has its name, and is found in the spool of a root that has come back.
	Returned func(p string)
	// Evicted is told of each file that was given up because of the budget, and whose name is gone.
	Evicted func(ctx context.Context, p string)
	// Aside returns the path under which what is kept of p goes on if another file has taken its name. Found is told
	// of it. Nil: what has the name now takes its place.
	Aside func(p string, v media.Version) string
	Log   *slog.Logger
	// Trouble is told what goes wrong. The caller calls its Sweep. Nil: it goes to Log.
	Trouble *trouble.Reporter
	Disk    *disk.Calls // is told of the calls to the root's file system; nil: no one asks
}

// A Spool keeps files of one root. Paths are slash-separated and relative to it. Its methods may be called from any
// goroutine; none waits for longer than the file system takes, and all return at once when Run has ended.
type Spool struct {
	Settings
	asks chan func()
	wake chan struct{} // capacity 1: told is not empty
	done chan struct{} // closed when Run returns

	scanned     chan struct{} // closed when the first scan is done
	scannedOnce sync.Once

	toldMu sync.Mutex // guards told
	told   []note

	// Owned by the goroutine of Run.
	home     *disk.Home // the root
	links    linkDir
	entries  map[string]*entry // by path
	held     []*entry          // those that are held open, oldest first, and some that are gone
	dirs     map[string]int    // directories below Dir: how many links each has
	scanning *scan             // or nil
}

// A linkDir is what is known of the directory of the links.
type linkDir struct {
	readied   *disk.Directory // the root for which it was prepared last
	dir       *disk.Directory // the one that was scanned, or nil
	lock      io.Closer       // on it, so that two processes on one spool are noticed; nil if there is none
	contended bool            // another process has the lock
	refused   string          // why links are impossible; "" if they are possible
	failedAt  time.Time       // when one last failed
	linkedAt  time.Time       // when one was last made
}

// An entry is one file that is kept.
type entry struct {
	path    string
	version media.Version
	home    *disk.Directory // the root in which it was kept
	file    *os.File        // held open; nil if it is linked
	claim   *claim          // on the budget, because its name is gone and no one else has the content; else nil
	gone    bool            // it is no longer kept
}

// New returns a Spool that keeps nothing until it is run.
func New(s Settings) *Spool {
	if s.Disk == nil {
		s.Disk = new(disk.Calls)
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Trouble == nil {
		s.Trouble = trouble.New(s.Log, time.Now)
	}
	return &Spool{
		Settings: s,
		home:     disk.NewHome(s.Root, s.Disk),
		asks:     make(chan func()),
		wake:     make(chan struct{}, 1),
		done:     make(chan struct{}),
		scanned:  make(chan struct{}),
		entries:  make(map[string]*entry),
		dirs:     make(map[string]int),
	}
}

const (
	// prepareEvery is how often it is looked whether the root has come, or is another one.
	prepareEvery = time.Second
	// tidyEvery is how often names that went without a word are looked for, and empty directories removed.
	tidyEvery = time.Minute
)

// Run keeps files until ctx ends. It may be called once.
func (s *Spool) Run(ctx context.Context) {
	defer close(s.done)
	defer s.letGo()
	prepare := time.NewTicker(prepareEvery)
	defer prepare.Stop()
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	always := make(chan struct{})
	close(always)
	s.prepare()
	for {
		var more <-chan struct{}
		if s.scanning != nil {
			more = always
		}
		select {
		case <-ctx.Done():
			s.listen(ctx)
			return
		case do := <-s.asks:
			do()
		case <-s.wake:
			s.listen(ctx)
		case <-more:
			runtime.Gosched() // whoever was served last may have more to ask, also where there is one processor
			select {
			case do := <-s.asks:
				do()
			default:
				s.goOnScanning(ctx)
			}
		case <-prepare.C:
			s.prepare()
		case <-tidy.C:
			s.tidy(ctx)
			s.reconsider()
		}
	}
}

// Keep keeps the content of p, which is in version v, until it is released; instead of what was kept of p before.
func (s *Spool) Keep(ctx context.Context, p string, v media.Version) {
	s.ask(ctx, func() { s.keep(ctx, p, v) })
}

// Gone says that p's name is gone. It does not wait.
func (s *Spool) Gone(p string) { s.tell(note{path: p}) }

// Release says that version v of p is not needed any more. It does not wait.
func (s *Spool) Release(p string, v media.Version) { s.tell(note{path: p, version: v, release: true}) }

// letGo closes what is held open.
func (s *Spool) letGo() {
	s.endScan()
	s.unlock()
	lost := 0
	for _, e := range s.entries {
		if e.file != nil {
			e.file.Close()
			if e.claim != nil {
				lost++
			}
		}
	}
	if lost > 0 {
		s.fail(lostAtEnd, "", "count", lost, "err", s.links.refused,
			"next", "manifests that name them are published without them")
	}
}
