package watcher

import (
	"io/fs"
	"path"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
)

// minBusyWait is how soon a file is looked at again whose close was seen but which still has a writer:
// the kernel tells of a close just before it takes the writer off the file.
const minBusyWait = time.Millisecond

const (
	// youngAge is how old a file is at most whose close may be an early one, and youngSettle how long it must be
	// unchanged then: on a busy machine, its writer takes a while to open it again.
	youngAge    = time.Second
	youngSettle = time.Second
)

// heldLong is how long it is normal that a file without a writer is unfinished.
const heldLong = time.Minute

// decide says whether a file is closed, or when to look at it again.
func (t *tree) decide(e *entry, now time.Time) {
	p := e.path()
	l, err := t.probe(p)
	switch {
	case disk.IsGone(err):
		t.vanished(e)
		return
	case err != nil:
		delete(t.undecided, e)
		t.setWritten(e, false)
		t.begin(fileUnseen, p, "err", err)
		t.due.set(e, now.Add(t.opts.SlowSettle))
		return
	case l.mode == fs.ModeDir:
		t.forget(e)
		t.scanSoon(t.addDir(p), true)
		return
	case l.mode != 0:
		t.begin(notRegular, p, "type", l.mode.String())
		t.forget(e)
		return
	}
	t.end(fileUnseen, p)

	if l.noLease != nil {
		t.trouble.Begin(noLeases, trouble.At{}, "path", p, "err", l.noLease,
			"next", "a chunk counts as closed when a playlist names it and the next one is there, or after "+t.opts.SlowSettle.String(),
			"hint", "run as the owner of the files, or with CAP_LEASE")
	}
	if !e.looked || !l.version.Equal(e.look) {
		e.see(l.version, now)
	}
	quick := t.opts.Quick(p)
	t.observe(e, l.writers, quick, now)
	if e.emitted && l.version.Equal(e.last) && !e.expected && !(quick && e.noted) {
		if l.writers == busy {
			t.due.set(e, now.Add(t.busyWait(e, now))) // opened again; what comes is seen then
			return
		}
		e.noted, e.closedAt = false, time.Time{}
		return
	}

	switch l.writers {
	case busy:
		delete(t.undecided, e)
		t.due.set(e, now.Add(t.busyWait(e, now)))
		return
	case free:
		settle, early := t.opts.Settle, t.opts.ClosesEarly(p)
		if early && now.Sub(e.appeared) < youngAge {
			settle = max(settle, youngSettle)
		}
		settled := now.Sub(e.since) >= settle || now.Sub(l.version.ModTime) >= settle
		soon := e.expected && !early || quick && !e.closedAt.IsZero()
		if !settled && !soon {
			t.due.set(e, now.Add(settle))
			return
		}
	case unknown:
		if wait := t.quietFor(e, quick) - now.Sub(e.since); wait > 0 {
			if e.expected {
				wait = min(wait, t.opts.Settle) // the next chunk may appear meanwhile
			}
			t.due.set(e, now.Add(wait))
			return
		}
	}
	delete(t.undecided, e)
	if t.unfinished(e, now) {
		return
	}
	ev := Event{Op: Closed, Path: p, Version: l.version}
	if e.old && !e.expected && !e.noted && !quick {
		t.out.putOld(ev)
	} else {
		t.out.put(ev)
		t.old.liveAt = now
	}
	e.emitted, e.last = true, l.version
	e.expected, e.noted, e.old, e.closedAt = false, false, false, time.Time{}
}

// unfinished reports whether a file beside e says that e is not whole. Then e is decided on again when one of
// its directory is gone.
func (t *tree) unfinished(e *entry, now time.Time) bool {
	for _, beside := range t.opts.Unfinished(e.path()) {
		if t.file(beside) == nil {
			continue
		}
		e.dir.held[e.name] = e
		if held := now.Sub(e.since); held < heldLong {
			t.due.set(e, now.Add(heldLong-held))
		} else {
			t.begin(fileHeld, e.path(), "beside", beside,
				"since", held.Round(time.Second), "next", "it is reported when that one is gone")
		}
		return true
	}
	delete(e.dir.held, e.name)
	t.end(fileHeld, e.path())
	return false
}

// busyWait returns when to look again at a file that has a writer. Where closes are seen, the next
// one will tell; looking again is for the close that was just seen, and for a writer that
// has the file open under another name.
func (t *tree) busyWait(e *entry, now time.Time) time.Duration {
	switch {
	case t.notify == nil || !t.notify.seesClose() || !e.dir.watched:
		return t.opts.Settle
	case e.closedAt.IsZero():
		return t.opts.SlowSettle
	}
	return min(max(minBusyWait, now.Sub(e.closedAt)), t.opts.SlowSettle)
}

// quietFor returns how long a file must be unchanged if nobody can tell whether it has a writer.
func (t *tree) quietFor(e *entry, quick bool) time.Duration {
	switch {
	case quick && !e.closedAt.IsZero():
		return 0
	case quick, e.expected && e.dir.newest[path.Ext(e.name)] > e.seen:
		return t.opts.Settle
	}
	return t.opts.SlowSettle
}

func (t *tree) probe(p string) (look, error) {
	defer t.w.disk.End(t.w.disk.Begin())
	if t.leases && !t.isShared(p) {
		return t.w.probe(t.abs(p))
	}
	return lookFile(t.abs(p))
}

// vanished says that a name is gone, unless the whole root is: what was known of it then is compared when
// it is back.
func (t *tree) vanished(e *entry) {
	before := t.attached
	t.checkRoot()
	switch {
	case !t.present, t.suspended && e.seen <= t.kept:
		if e.expected {
			e.expected = false
			t.expected[e.path()] = true
		}
	case t.attached != before:
		t.due.set(e, time.Now()) // another root: look there
	default:
		t.forget(e)
	}
}

// forget drops a file and tells whoever knows or asked of it.
func (t *tree) forget(e *entry) {
	p := e.path()
	if e.emitted {
		t.out.put(Event{Op: Removed, Path: p})
	}
	if e.expected {
		t.out.put(Event{Op: Absent, Path: p})
	}
	t.drop(e)
}
