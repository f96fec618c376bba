package watcher

import (
	"path"
	"strings"
	"time"
)

// A dir is a directory in the tree. One that is gone stays until its files are decided on.
type dir struct {
	path    string
	parent  *dir
	subs    map[string]*dir // nil: none
	files   map[string]*entry
	held    map[string]*entry // those of files that are held; nil: none
	newest  map[string]uint64 // by extension: entry.born of the newest file
	mark    uint64            // tick of the scan that saw it last
	watched bool
	unread  bool // it could not be scanned
	unseen  int  // files that could not be looked at
	gone    bool
	queued  bool // it is in tree.scans.queue
	deep    bool // its directories are to be scanned, too
}

func newDir(p string, parent *dir) *dir {
	return &dir{path: p, parent: parent, files: map[string]*entry{}, newest: map[string]uint64{}}
}

// file returns the entry of a path, or nil.
func (t *tree) file(p string) *entry {
	d := t.dirs[parentOf(p)]
	if d == nil {
		return nil
	}
	return d.files[path.Base(p)]
}

// touch returns the entry of a path. It makes one if there is none.
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
	e := &entry{dir: d, name: name, born: t.tick, mark: t.tick, appeared: time.Now()}
	d.files[name] = e
	d.newest[path.Ext(name)] = t.tick
	t.state.Files++
	return e
}

// drop forgets a file. Files of its directory that are held are decided on again.
func (t *tree) drop(e *entry) {
	e.due = time.Time{}
	t.setWritten(e, false)
	t.state.Changed = time.Now()
	delete(t.scans.undecided, e)
	delete(e.dir.files, e.name)
	delete(e.dir.held, e.name)
	t.setUnseen(e, nil)
	t.forgetTrouble(e.path(), fileHeld)
	for _, held := range e.dir.held {
		t.due.set(held, time.Now())
	}
	t.state.Files--
	t.prune(e.dir)
}

// addDir returns the directory of a path. It makes one if there is none, and marks one that was
// gone as back.
func (t *tree) addDir(p string) *dir {
	d := t.dirs[p]
	if d == nil {
		parent := t.addDir(parentOf(p))
		d = newDir(p, parent)
		if parent.subs == nil {
			parent.subs = make(map[string]*dir)
		}
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

// dirGone notes that a directory is gone, or is another one now. Its files are decided on one by
// one.
func (t *tree) dirGone(d *dir, now time.Time) {
	t.unwatch(d)
	if !d.gone && d.parent != nil {
		d.gone = true
		t.state.Dirs--
		t.w.unseen.remove(dirUnread, d.path)
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

// prune forgets directories that are gone and have no files or directories left.
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
	if t.root.notify != nil {
		t.root.notify.forget(d.path)
	}
}

// parentOf returns the path of the directory that p is in. The root has the path "".
func parentOf(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return ""
}
