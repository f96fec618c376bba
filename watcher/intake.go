package watcher

import (
	"path"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/internal/trouble"
)

// take does what a note asks for.
func (t *tree) take(n note, now time.Time) {
	if !t.root.present {
		return
	}
	switch n.kind {
	case noteRoot:
		t.root.replaced = true
		t.checkRoot()
		return
	case noteOverflow:
		t.state.Overflows++
		t.trouble.Report(overflow, trouble.At{}, "backend", t.root.backend.String(), "overflows", t.state.Overflows)
		t.rescanAll()
		return
	}
	if n.kind == noteAppeared && !t.root.notify.seesClose() && t.isDir(n.path) {
		n.kind = noteDir
	}
	d := t.dirs[n.path]
	if d != nil && n.kind == noteRemoved {
		n.kind = noteDirGone
	}
	switch n.kind {
	case noteDir:
		if !t.ignored(n.path, true) {
			t.scanSoon(t.addDir(n.path), true)
		}
		return
	case noteDirGone:
		if d != nil {
			t.dirGone(d, now)
			if t.isDir(n.path) { // made again
				t.scanSoon(t.addDir(n.path), true)
			}
		}
		return
	}
	if d != nil && !d.gone {
		t.scanSoon(d, false) // some kernels say "written" of a directory
		return
	}
	if t.ignored(n.path, false) {
		return
	}
	if n.kind == noteRemoved {
		if e := t.file(n.path); e != nil {
			t.setSoon(e, now)
		}
		return
	}
	e := t.touch(n.path)
	if e == nil {
		return
	}
	e.noted, e.since = true, now
	if n.kind == noteAppeared {
		e.appeared = now
	}
	at := now.Add(t.opts.Settle)
	if n.kind == noteClosed {
		e.closedAt = now
		if e.expected || t.opts.Quick(n.path) {
			at = now
		}
	} else {
		e.closedAt = time.Time{}
		if e.expected && t.root.notify.seesClose() {
			at = now
		}
	}
	t.due.set(e, at)
}

// setSoon has e decided after the settle time at the latest. A name that is gone waits, too: it may come
// back at once, as EMS's playlists do, or the root may be on its way out.
func (t *tree) setSoon(e *entry, now time.Time) {
	at := now.Add(t.opts.Settle)
	if e.due.IsZero() || e.due.After(at) {
		t.due.set(e, at)
	}
}

// expectSome looks at some of what Expect named, and reports whether there is more. A manifest that names a hundred thousand
// files does not keep another's few waiting.
func (t *tree) expectSome() bool {
	if len(t.named.queue) == 0 {
		return false
	}
	paths := t.named.queue[0]
	t.named.queue = t.named.queue[1:]
	n := min(len(paths), decisions)
	if n < len(paths) {
		t.named.queue = append(t.named.queue, paths[n:])
	}
	t.expect(paths[:n])
	return len(t.named.queue) > 0
}

// expect has each file decided on now.
func (t *tree) expect(paths []string) {
	now := time.Now()
	for _, p := range paths {
		if !t.root.present {
			t.named.away[p] = true // a root that is not there says nothing about its files
			continue
		}
		e := t.file(p)
		if e == nil && t.reachable(p) {
			e = t.touch(p)
		}
		if e == nil {
			t.out.put(Event{Op: Absent, Path: p})
			continue
		}
		e.expected = true
		t.due.set(e, now)
	}
}

// lookAt has each file decided on after the settle time.
func (t *tree) lookAt(paths []string) {
	now := time.Now()
	for _, p := range paths {
		if !t.root.present || !t.reachable(p) {
			continue
		}
		e := t.file(p)
		if e == nil {
			if fi, err := t.lstat(p); err != nil || !fi.Mode().IsRegular() {
				continue
			}
			e = t.touch(p)
		}
		if e.emitted && e.due.IsZero() {
			t.due.set(e, now) // as a scan does with one that it knows
		} else {
			t.setSoon(e, now)
		}
	}
}

// reachable reports whether p is a name below the root that we would see, with no symbolic link above it.
func (t *tree) reachable(p string) bool {
	if p == "" || p == "." || strings.IndexByte(p, 0) >= 0 || path.Clean(p) != p || !filepath.IsLocal(filepath.FromSlash(p)) || t.ignored(p, false) {
		return false
	}
	if d := t.dirs[parentOf(p)]; d != nil && !d.gone {
		return true
	}
	for i, c := range p {
		if c != '/' {
			continue
		}
		if d := t.dirs[p[:i]]; d != nil && !d.gone {
			continue
		}
		if t.ignored(p[:i], true) || !t.isDir(p[:i]) {
			return false
		}
	}
	return true
}
