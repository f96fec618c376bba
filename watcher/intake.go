package watcher

import (
	"path"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/internal/trouble"
)

// take applies a note.
func (t *tree) take(n note, now time.Time) {
	if !t.root.present {
		return
	}
	switch n.kind = t.meaning(n); n.kind {
	case noteRoot:
		t.root.replaced = true
		t.checkRoot()
	case noteOverflow:
		t.state.Overflows++
		t.trouble.Report(overflow, trouble.At{}, "backend", t.root.backend.String(), "overflows", t.state.Overflows)
		t.rescanAll()
	case noteDir:
		if !t.ignored(n.path, true) {
			t.scanSoon(t.addDir(n.path), true)
		}
	case noteDirChanged:
		t.scanSoon(t.dirs[n.path], false)
	case noteDirGone:
		t.takeDirGone(n.path, now)
	case noteRemoved:
		if e := t.file(n.path); e != nil && !t.ignored(n.path, false) {
			e.appeared = now // a file that has the name now is another one, whose own note is late
			t.setBy(e, t.withOthers(e, now))
		}
	default:
		if !t.ignored(n.path, false) {
			t.hear(t.touch(n.path), n.kind, now)
		}
	}
}

// meaning returns the kind of a note, with what is known of directories: some kernels do not say
// that a note is about one.
func (t *tree) meaning(n note) noteKind {
	switch n.kind {
	case noteRoot, noteOverflow, noteDir, noteDirGone:
		return n.kind
	case noteAppeared:
		if !t.root.notify.seesClose() && t.isDir(n.path) {
			return noteDir
		}
	}
	switch d := t.dirs[n.path]; {
	case d != nil && n.kind == noteRemoved:
		return noteDirGone
	case d != nil && !d.gone:
		return noteDirChanged
	}
	return n.kind
}

// takeDirGone notes that a directory's name is gone, unless it was made again meanwhile.
func (t *tree) takeDirGone(p string, now time.Time) {
	d := t.dirs[p]
	if d == nil {
		return
	}
	t.dirGone(d, now)
	if t.isDir(p) {
		t.scanSoon(t.addDir(p), true)
	}
}

// hear notes what the kernel told of a file, and has it decided on after the settle time, or now if
// someone waits for it and a close was seen or would have been.
func (t *tree) hear(e *entry, kind noteKind, now time.Time) {
	e.since = now
	if kind == noteAppeared || kind == noteCreated {
		e.appeared = now
	}
	var wanted bool
	if kind == noteClosed {
		e.news = news{newsClosed, now}
		wanted = e.demand == expected || t.opts.Quick(e.path())
	} else {
		e.news = news{kind: newsChanged}
		wanted = e.demand == expected && t.root.notify.seesClose()
	}
	switch {
	case wanted:
		t.due.set(e, now)
	case kind == noteCreated:
		t.due.set(e, t.withOthers(e, now)) // its close will be heard, unless it is a link
	default:
		t.due.set(e, now.Add(t.opts.Settle))
	}
}

// together is how often chunks are looked at that were only created or removed. Each chunk of a
// stream is both, and waking up for each takes longer than the look.
const together = 250 * time.Millisecond

// withOthers returns when to look at e, which was created or removed: a manifest after the settle
// time, a chunk together with others. A name that is gone waits because it may come back at once, as
// those of EMS's playlists do, or the root may be about to vanish.
func (t *tree) withOthers(e *entry, now time.Time) time.Time {
	if t.opts.Quick(e.path()) {
		return now.Add(t.opts.Settle)
	}
	return now.Add(together - time.Duration(now.UnixNano())%together)
}

// setSoon has e decided on after the settle time at the latest.
func (t *tree) setSoon(e *entry, now time.Time) { t.setBy(e, now.Add(t.opts.Settle)) }

// setBy has e decided on at the time at the latest.
func (t *tree) setBy(e *entry, at time.Time) {
	if e.due.IsZero() || e.due.After(at) {
		t.due.set(e, at)
	}
}

// expectSome has some files of Expect decided on, and reports whether there are more. The few files
// of one manifest do not wait for the hundred thousand of another.
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

// expect has each file decided on now, or reports that it is absent.
func (t *tree) expect(paths []string) {
	now := time.Now()
	for _, p := range paths {
		if !t.root.present {
			t.named.away[p] = true // without the root, nothing is known of its files
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
		e.demand = expected
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
		if e.stage == reported && e.due.IsZero() {
			t.due.set(e, now) // as after a scan
		} else {
			t.setSoon(e, now)
		}
	}
}

// reachable reports whether a scan would find a file p: it is below the root, not left out, and in
// no directory that is a symbolic link.
func (t *tree) reachable(p string) bool {
	if p == "" || p == "." || strings.IndexByte(p, 0) >= 0 || path.Clean(p) != p ||
		!filepath.IsLocal(filepath.FromSlash(p)) || t.ignored(p, false) {
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
