// Package spool keeps the content of files from which somebody else may take the name at any time: by a hard link
// where that is possible, by an open descriptor where not. No bytes are copied. What it has on disk is, after a
// restart, the list of what was not released. It knows nothing of what is in the files, nor what becomes of them.
package spool

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"runtime"
	"slices"
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
	Disk    *disk.Calls // is told of the calls to the root's file system; nil: nobody asks
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
	entries   map[string]*entry
	held      []*entry // those that are held open, oldest first, and some that are gone
	dirs      map[string]int
	scanning  *scan       // or nil
	readied   *home       // for which prepare was tried last
	prepared  fs.FileInfo // the directory of the links that was scanned, or nil
	home      *home       // the root as it was found last, or nil
	away      *home       // if that is an empty mount point: the root that is missing
	lock      io.Closer   // on it, so that two processes on one spool are noticed; nil if there is none
	contended bool        // another process has it
	noLinks   string      // why links are impossible; "" if they are not
	failedAt  time.Time   // when one was last found to be
	linkedAt  time.Time   // when one was made last
}

// An entry is one file that is kept.
type entry struct {
	path    string
	version media.Version
	home    *home    // in which it was kept
	file    *os.File // held open; nil if it is linked
	claim   *claim   // on the budget, because its name is gone and nobody else has the content; else nil
	gone    bool     // it is no longer kept
}

// A note is what was told without waiting.
type note struct {
	path    string
	version media.Version
	release bool   // else its name is gone,
	evicted *claim // or it is to be given up for others, for which this was counted
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

// ask has the goroutine of Run do something, and reports whether it did.
func (s *Spool) ask(ctx context.Context, do func()) bool {
	done := make(chan struct{})
	select {
	case s.asks <- func() { defer close(done); s.listen(ctx); do() }:
		<-done
		return true
	case <-s.done:
		return false
	case <-ctx.Done():
		return false
	}
}

func (s *Spool) tell(n note) {
	s.toldMu.Lock()
	s.told = append(s.told, n)
	s.toldMu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// listen takes in what was told since the last call.
func (s *Spool) listen(ctx context.Context) {
	s.toldMu.Lock()
	told := s.told
	s.told = nil
	s.toldMu.Unlock()
	var away error
	if slices.ContainsFunc(told, func(n note) bool { return !n.release && n.evicted == nil }) {
		away = s.locate()
	}
	for _, n := range told {
		e := s.entries[n.path]
		if !n.release && n.evicted == nil {
			e = s.entry(n.path)
		}
		switch {
		case e == nil:
		case n.evicted != nil:
			if e.claim == n.evicted {
				s.evict(ctx, e)
			}
		case !n.release:
			if away == nil || errors.Is(away, errAway) && e.home == s.home {
				s.orphan(e)
			}
		case e.version.Equal(n.version):
			s.remove(e)
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

// Find returns the version of p that is kept; that there is none is certain only without an error.
func (s *Spool) Find(ctx context.Context, p string) (v media.Version, found bool, err error) {
	s.ask(ctx, func() {
		if e := s.entry(p); e != nil {
			if fi, err := s.stat(e); err == nil {
				v, found = media.VersionOf(fi), true
				e.version = v
			}
		}
		if !found {
			err = s.locate()
		}
	})
	return v, found, err
}

// A File is one that is read, from several goroutines at once.
type File interface {
	fs.File
	ReadAt(p []byte, off int64) (int, error)
}

// Open opens what is kept of p. The error wraps fs.ErrNotExist if nothing is and the root is there. What is held open
// fails with fs.ErrClosed once it is released.
func (s *Spool) Open(ctx context.Context, p string) (f File, err error) {
	asked := s.ask(ctx, func() {
		e := s.entry(p)
		switch {
		case e == nil:
			err = fs.ErrNotExist
		case e.file != nil:
			f = borrowed{e.file}
		default:
			f, err = s.openLink(p)
		}
		if errors.Is(err, fs.ErrNotExist) {
			if away := s.locate(); away != nil {
				err = away
			}
		}
	})
	if !asked {
		return nil, &fs.PathError{Op: "open", Path: p, Err: errEnded}
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

var errEnded = errors.New("the spool has ended")

// A borrowed file is closed by its owner.
type borrowed struct{ *os.File }

func (borrowed) Close() error { return nil }

// keep links the file, or holds it open.
func (s *Spool) keep(ctx context.Context, p string, v media.Version) {
	old := s.entry(p)
	if old != nil && old.version.Equal(v) {
		return
	}
	if old != nil && old.file == nil && old.version.Inode == v.Inode && v.Inode != 0 && old.claim == nil {
		old.version = v // written in place, the link has it
		return
	}
	if s.locate(); s.home == nil {
		return // what is read of it tells that the root is not there
	}
	if old != nil && s.Aside != nil && old.version.Size > 0 && old.version.Inode != v.Inode && s.setAside(ctx, old) {
		old = nil
	}
	e := &entry{path: p, version: v, home: s.home}
	err := s.link(p)
	s.report(err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return // it was deleted at once, or the root is gone
	case err != nil:
		if old != nil {
			s.remove(old) // or a later start would find its link, and send old content under the name
			old = nil
		}
		if e.file = s.hold(p); e.file == nil {
			return
		}
	}
	if old != nil {
		s.forget(old)
	}
	s.entries[p] = e
	if e.file == nil {
		s.dirs[path.Dir(p)]++
		if s.prepared == nil { // links have become possible
			s.readied = nil
			s.prepare()
		}
		return
	}
	s.held = append(s.held, e)
	s.held = slices.DeleteFunc(s.held, func(e *entry) bool { return e.gone })
	for len(s.held) > s.Budget.mostHeld() {
		s.evict(ctx, s.held[0])
		s.held = s.held[1:]
	}
}

// orphan takes in that the name of e is gone: its bytes count from now on.
func (s *Spool) orphan(e *entry) {
	if e.claim == nil {
		e.claim = &claim{owner: s, path: e.path, bytes: e.version.Size, since: e.version.ModTime}
		s.Budget.count(e.home.device, e.claim)
	}
}

// rejoin takes in that e has its name after all, or is gone.
func (s *Spool) rejoin(e *entry) {
	if e.claim != nil {
		s.Budget.drop(e.claim)
		e.claim = nil
	}
}

// evict gives e up.
func (s *Spool) evict(ctx context.Context, e *entry) {
	lonely := e.claim != nil
	s.remove(e)
	if lonely {
		s.Evicted(ctx, e.path)
	} else {
		s.begin(tooManyHeld, "path", e.path,
			"most", s.Budget.mostHeld(), "hint", "make links possible, or raise the limit of open files (LimitNOFILE=)")
	}
}

// remove deletes what is kept of e.
func (s *Spool) remove(e *entry) {
	if e.file == nil {
		s.unlink(e.path)
	}
	s.forget(e)
}

// forget drops e, whose link is another's or gone.
func (s *Spool) forget(e *entry) {
	e.gone = true
	if e.file != nil {
		e.file.Close() // it was only read
	} else if dir := path.Dir(e.path); s.dirs[dir] > 0 {
		s.dirs[dir]--
	}
	s.rejoin(e)
	if s.entries[e.path] == e {
		delete(s.entries, e.path)
	}
}

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
		s.fail(lostAtEnd, "", "count", lost, "err", s.noLinks,
			"next", "manifests that name them are published without them")
	}
}
