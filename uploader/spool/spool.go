// Package spool keeps the content of files whose names another program may delete at any time. It
// makes a hard link if that is possible, and else holds the file open. It copies no bytes. After a
// restart, the links on disk are the list of what was not released. It does not read the files, and
// does not know what they are for.
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

// Settings are those of a Spool. Its functions are called by Run, one at a time.
type Settings struct {
	Root   string  // the directory whose files are kept
	Dir    string  // of the links, with paths as below Root; links need the file system of Root
	Budget *Budget // shared by all spools
	// Found is called for each kept file of which the caller may not know that its name is gone: of
	// an earlier run, set aside, or gone without a report.
	Found func(ctx context.Context, p string, v media.Version)
	// Returned is called for each file that has its name, and is found in the spool of a root that
	// has come back.
	Returned func(p string)
	// Evicted is called for each file that was given up because of the budget, and whose name is
	// gone.
	Evicted func(ctx context.Context, p string)
	// Aside returns the path under which a kept file goes on if another file takes its name. Found
	// is called for it. If Aside is nil, the kept file is dropped then.
	Aside func(p string, v media.Version) string
	// Named returns the name, below Root, of the file that is kept as p; if another file has that name
	// now, that is no reason to drop what is kept. Nil: it is p, and what is kept of p is dropped then.
	Named func(p string) string
	// Fresh: a file of an earlier run that is kept as another path than its name, and still has its name,
	// is not kept any more: it may have been written again in place. Its closing is reported.
	Fresh bool
	Log   *slog.Logger
	// Trouble reports failures. The caller calls its Sweep. If it is nil, they are logged to Log.
	Trouble *trouble.Reporter
	Disk    *disk.Calls // notes the calls to the root's file system; may be nil
}

// A Spool keeps files of one root. Paths are slash-separated and relative to the root. Its methods
// may be called from any goroutine. They wait only for the file system, and return at once when Run
// has ended.
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
	held     []*entry          // held open, the oldest first; some are gone
	dirs     map[string]int    // the number of links, by directory below Dir
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
	file    *os.File        // held open; nil if there is a link
	claim   *claim          // on the budget, if its name is gone and only the spool has the content; else nil
	gone    bool            // it is no longer kept
}

// New returns a Spool. It keeps nothing until it is run.
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
	// prepareEvery is how often the spool looks whether the root has come, or is another directory.
	prepareEvery = time.Second
	// tidyEvery is how often the spool looks for names that went without a report, and removes
	// empty directories.
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
			runtime.Gosched() // the last caller may ask for more; on one processor, it has to run first
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

// Keep keeps the content of p, in version v, until it is released. It replaces what was kept of p
// before. It reports whether that is new: v was not kept before, and is now.
func (s *Spool) Keep(ctx context.Context, p string, v media.Version) (begun bool) {
	s.ask(ctx, func() { begun = s.keep(ctx, p, v) })
	return begun
}

// Gone says that the name p is gone. It does not wait.
func (s *Spool) Gone(p string) { s.tell(note{kind: noteGone, path: p}) }

// Release says that version v of p is no longer needed, or, with the zero Version, whichever is kept. It
// does not wait.
func (s *Spool) Release(p string, v media.Version) {
	s.tell(note{kind: noteRelease, path: p, version: v})
}

// letGo closes all files, and reports those that are lost by that.
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
