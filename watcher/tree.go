package watcher

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
)

const (
	// rootCheck is how often we look whether the root is still the directory that we watch: nothing
	// tells when something is mounted over it.
	rootCheck = time.Second
	// decisions is how many files are looked at before events are taken and offered again.
	decisions = 64
)

// tree is everything known about one root. It belongs to Run's goroutine.
type tree struct {
	w    *Watcher
	opts Options
	log  *slog.Logger

	trouble *trouble.Reporter

	dirs map[string]*dir // by path; "" is the root
	due  dueList
	old  backlog // what the first scan found, in its turn once nothing is due
	out  *outbox
	tick uint64 // grows with every scan and every new name

	scans     []*dir // waiting to be scanned, in order
	scanned   time.Time
	rescan    bool                // the scan under way covers the whole tree
	full      bool                // no more watches were to be had in the scan under way
	undecided map[*entry]struct{} // of what the first scan found; nil before it is done, and once all is decided
	wanted    [][]string          // what Expect named, and is still to be looked at, in turn
	expected  map[string]bool     // what Expect named while there was no root

	present     bool   // the root exists and is attached
	replaced    bool   // the attached root is not what has its name any more
	attached    int    // how often a root was attached
	suspended   bool   // it is the empty mount point of the root that we knew: what is missing from it is not gone
	kept        uint64 // tick of the last name from before it was suspended
	rootInfo    fs.FileInfo
	rootDevice  uint64
	pointDevice uint64 // while suspended: the mount point's
	backend     Backend
	leases      bool
	notify      notifier // nil while there is no root, and with Poll

	mountWatch mountWatch
	mounts     map[string]mount // below the root, by path

	state State
}

// dir is a directory in the tree. One that is gone stays until its files are decided on.
type dir struct {
	path    string
	parent  *dir
	subs    map[string]*dir
	files   map[string]*entry
	held    map[string]*entry // of files: those that are unfinished because of others
	newest  map[string]uint64 // by extension: entry.seen of the newest file
	mark    uint64            // tick of the scan that saw it last
	watched bool
	unread  bool // could not be scanned
	gone    bool
	queued  bool // is in tree.scans
	deep    bool // the directories in it are to be scanned, too
}

// entry is a file's name and what we know of the file.
type entry struct {
	dir  *dir
	name string
	seen uint64 // when the name was first seen, in ticks
	mark uint64 // tick of the scan that saw it last

	appeared time.Time // when the file was first seen under this name

	due    time.Time // when to decide; zero: nothing to decide
	queued time.Time // of dueList

	look     media.Version // at the last look
	looked   bool
	since    time.Time // when a change was last noticed
	closedAt time.Time // when a close was last noticed, until it is decided
	noted    bool      // the kernel told of it since it was last emitted
	expected bool
	old      bool // the first scan found it, and nothing else is known of it
	emitted  bool
	last     media.Version // emitted
	written  bool          // is counted in state.Written
}

// see notes a version that is new.
func (e *entry) see(v media.Version, now time.Time) {
	if e.looked && (v.Inode != e.look.Inode || v.Size < e.look.Size) {
		e.appeared = now // another file has the name, or it was begun anew; inode numbers are used again
	}
	e.look, e.looked, e.since = v, true, now
}

func (e *entry) path() string { return path.Join(e.dir.path, e.name) }

func newTree(w *Watcher) *tree {
	t := &tree{
		w:        w,
		opts:     w.opts,
		log:      w.opts.Log,
		dirs:     map[string]*dir{},
		out:      newOutbox(),
		expected: map[string]bool{},
		trouble:  w.opts.Trouble,
	}
	t.dirs[""] = newDir("", nil)
	t.state.Dirs = 1
	return t
}

func newDir(p string, parent *dir) *dir {
	return &dir{
		path:   p,
		parent: parent,
		subs:   map[string]*dir{},
		files:  map[string]*entry{},
		held:   map[string]*entry{},
		newest: map[string]uint64{},
	}
}

func (t *tree) run(ctx context.Context, events chan<- Event) {
	defer t.detach()
	t.mountWatch = newMountWatch()
	defer t.mountWatch.close()
	t.checkRoot()
	check := time.NewTicker(min(rootCheck, t.opts.PollInterval))
	defer check.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	always := make(chan struct{})
	close(always)

	for {
		var more <-chan struct{}
		if t.step() {
			more = always
		}
		t.publishState()
		t.settle()
		if wait, ok := t.nextStep(); ok {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		var batches <-chan batch
		if t.notify != nil {
			batches = t.notify.batches()
		}
		var out chan<- Event
		var first Event
		if !t.out.empty() {
			out, first = events, t.out.first()
		}

		select {
		case <-ctx.Done():
			return
		case decode, ok := <-batches:
			if !ok {
				t.replaced = true // the notifier failed: start anew
				t.checkRoot()
				continue
			}
			now, root := time.Now(), t.attached
			for _, n := range decode() {
				if t.attached == root { // the rest is of the former root
					t.take(n, now)
				}
			}
		case out <- first:
			t.out.pop()
		case <-t.w.wake:
			t.wanted = append(t.wanted, t.w.takeExpected()...)
			t.expectSome()
			t.lookAt(t.w.takeLooks())
		case <-t.w.rescan:
			if t.present {
				t.rescanAll()
			}
		case <-check.C:
			t.checkRoot()
			t.checkMounts()
		case <-timer.C:
		case <-more:
		}
	}
}

// step does a share of what is to be done and reports whether there is more.
func (t *tree) step() bool {
	if !t.present {
		return t.expectSome()
	}
	now := time.Now()
	n := 0
	for ; n < decisions && t.present; n++ {
		e := t.due.pop(now)
		if e == nil && len(t.scans) == 0 {
			e = t.old.pop(now)
		}
		if e == nil {
			break
		}
		t.decide(e, now)
	}
	if t.present && len(t.scans) == 0 && t.incomplete() && now.Sub(t.scanned) >= t.opts.PollInterval {
		t.rescanAll()
	}
	if t.present && len(t.scans) > 0 {
		d := t.scans[0]
		t.scans[0] = nil
		t.scans = t.scans[1:]
		t.scan(d, now)
		if t.present && len(t.scans) == 0 {
			t.scanDone()
		}
	}
	return t.expectSome() || n == decisions || len(t.scans) > 0
}

// nextStep returns how long there is nothing to do unless something happens.
func (t *tree) nextStep() (time.Duration, bool) {
	if !t.present {
		return 0, false
	}
	at, ok := t.due.next()
	if old, some := t.old.at(); some && (!ok || old.Before(at)) {
		at, ok = old, true
	}
	if t.incomplete() {
		if scan := t.scanned.Add(t.opts.PollInterval); !ok || scan.Before(at) {
			at, ok = scan, true
		}
	}
	return max(0, time.Until(at)), ok
}

// incomplete reports whether notes do not tell all that happens in the tree, so that it is scanned
// again and again.
func (t *tree) incomplete() bool {
	return t.notify == nil || t.state.Degraded || t.sharedBelow()
}

// file returns the entry of a path, or nil.
func (t *tree) file(p string) *entry {
	d := t.dirs[parentOf(p)]
	if d == nil {
		return nil
	}
	return d.files[path.Base(p)]
}

// touch returns the entry of a path, made if need be.
func (t *tree) touch(p string) *entry {
	if e := t.file(p); e != nil {
		return e
	}
	parent := parentOf(p)
	d := t.dirs[parent]
	if d == nil || d.gone {
		d = t.addDir(parent)
		t.scanSoon(d, true)
	}
	t.tick++
	return t.addFile(d, path.Base(p))
}

func (t *tree) addFile(d *dir, name string) *entry {
	e := &entry{dir: d, name: name, seen: t.tick, mark: t.tick, appeared: time.Now()}
	d.files[name] = e
	d.newest[path.Ext(name)] = t.tick
	t.state.Files++
	return e
}

// drop forgets a file.
func (t *tree) drop(e *entry) {
	e.due = time.Time{}
	t.setWritten(e, false)
	t.state.Changed = time.Now()
	delete(t.undecided, e)
	delete(e.dir.files, e.name)
	delete(e.dir.held, e.name)
	t.forgetTrouble(e.path(), fileUnseen, fileHeld)
	for _, held := range e.dir.held {
		t.due.set(held, time.Now())
	}
	t.state.Files--
	t.prune(e.dir)
}

// addDir returns the directory of a path, made or brought back to life if need be.
func (t *tree) addDir(p string) *dir {
	d := t.dirs[p]
	if d == nil {
		parent := t.addDir(parentOf(p))
		d = newDir(p, parent)
		parent.subs[path.Base(p)] = d
		t.dirs[p] = d
		t.state.Dirs++
	}
	if d.gone {
		d.gone = false
		t.state.Dirs++
		if d.parent != nil && d.parent.gone {
			t.addDir(d.parent.path)
		}
	}
	return d
}

// dirGone says that a directory is not there, or is another one now. Its files are looked at one by one.
func (t *tree) dirGone(d *dir, now time.Time) {
	t.unwatch(d)
	if !d.gone && d.parent != nil {
		d.gone = true
		t.state.Dirs--
		t.forgetTrouble(d.path, dirUnread, dirUnwatched)
	}
	for _, sub := range d.subs {
		t.dirGone(sub, now)
	}
	for _, e := range d.files {
		t.setSoon(e, now)
	}
	t.prune(d)
}

// prune forgets directories that are gone and of which nothing is left to decide.
func (t *tree) prune(d *dir) {
	for d.gone && d.parent != nil && len(d.files) == 0 && len(d.subs) == 0 {
		delete(t.dirs, d.path)
		delete(d.parent.subs, path.Base(d.path))
		d = d.parent
	}
}

func (t *tree) unwatch(d *dir) {
	if !d.watched {
		return
	}
	d.watched = false
	t.state.Watches--
	if t.notify != nil {
		t.notify.forget(d.path)
	}
}

// ignored says which names are not looked at.
func (t *tree) ignored(p string, isDir bool) bool {
	name := path.Base(p)
	return strings.HasPrefix(name, ".") || !isDir && strings.HasSuffix(name, ".tmp") || t.opts.Ignore(p, isDir)
}

func (t *tree) isDir(p string) bool {
	fi, err := t.lstat(p)
	return err == nil && fi.IsDir()
}

func (t *tree) lstat(p string) (fs.FileInfo, error) {
	defer t.w.disk.End(t.w.disk.Begin())
	return os.Lstat(t.abs(p))
}

func (t *tree) abs(p string) string { return filepath.Join(t.w.root, filepath.FromSlash(p)) }

func (t *tree) publishState() {
	t.state.Backend = t.backend
	t.state.Waiting = !t.present
	t.w.setState(t.state)
}

// parentOf returns the path of the directory that holds p; the root's own is "".
func parentOf(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return ""
}
