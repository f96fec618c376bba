// R1: whole files only. A file is reported as closed when the kernel says that no process writes
// it, or, where the kernel does not say, after silence. uploader/chunkbody.go checks again while it
// is read.

package watcher

import (
	"fmt"
	"io/fs"
	"path"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
)

// minBusyWait is how soon a file is looked at again if a close was seen and it still has a writer:
// the kernel reports a close just before the writer has left.
const minBusyWait = time.Millisecond

const (
	// A close may be an early one if the file is younger than youngAge. Then it must be unchanged
	// for youngSettle: on a busy machine, its writer takes a while to open it again.
	youngAge    = time.Second
	youngSettle = time.Second
)

// heldLong is how long a file without a writer may be unfinished before that is reported.
const heldLong = time.Minute

// A fileState is what the last look at a file found. Names that go away are not drawn:
//
//	found -> open -> settling -> closed
//	           ^         |          |
//	           |         +-> held   | a writer opens it again, or another file gets its name
//	           +--------------------+
type fileState uint8

const (
	found    fileState = iota // it was not looked at yet
	open                      // a process has it open for writing
	settling                  // no writer is known, and it changed a moment ago
	held                      // it does not change, and a file beside it says that it is unfinished
	closed                    // it is whole, and was reported in this version
)

var fileStates = [...]string{found: "found", open: "open", settling: "settling", held: "held", closed: "closed"}

func (s fileState) String() string {
	if int(s) < len(fileStates) {
		return fileStates[s]
	}
	return fmt.Sprintf("fileState(%d)", uint8(s))
}

// decide looks at a file. It reports the file as closed, or sets when to look again.
func (t *tree) decide(e *entry, now time.Time) {
	p := e.path()
	l, err := t.probe(p)
	if !t.isFile(e, l, err, now) {
		return
	}
	if l.noLease != nil {
		t.state.Refusals++
		t.reportNoLeases(p, l.noLease)
	}
	if e.stage == named || !l.version.Equal(e.look) {
		e.see(l.version, now)
	}
	quick := t.opts.Quick(p)
	t.observe(e, l.writers, quick, now)

	known := e.isReported(l.version, quick)
	var wait time.Duration
	e.state, wait = t.judge(e, l, quick, known, now)
	if e.state != settling {
		delete(t.scans.undecided, e)
	}
	switch {
	case e.state == open, e.state == settling:
		t.due.set(e, now.Add(wait))
	case known:
		e.news = news{}
	case !t.isHeld(e, now):
		t.emit(e, l.version, quick, now)
	}
}

// isFile reports whether a look found a regular file. Anything else that the look found is applied
// here.
func (t *tree) isFile(e *entry, l look, err error, now time.Time) bool {
	p := e.path()
	switch {
	case disk.IsGone(err):
		t.vanished(e)
	case err != nil:
		delete(t.scans.undecided, e)
		t.setWritten(e, false)
		t.setUnseen(e, err)
		t.due.set(e, now.Add(t.opts.SlowSettle))
	case l.mode == fs.ModeDir:
		t.forget(e)
		t.scanSoon(t.addDir(p), true)
	case l.mode != 0:
		t.begin(notRegular, p, "type", l.mode.String())
		t.forget(e)
	default:
		t.setUnseen(e, nil)
		return true
	}
	return false
}

func (t *tree) reportNoLeases(p string, err error) {
	t.trouble.Begin(noLeases, trouble.At{}, "path", p, "err", err,
		"next", "a chunk counts as closed when a playlist names it and the next one exists, or after "+
			t.opts.SlowSettle.String(),
		"hint", "run as the owner of the files, or with CAP_LEASE")
}

// judge returns the state of a file, and if that is open or settling, when to look again. It has no
// effects.
func (t *tree) judge(e *entry, l look, quick, known bool, now time.Time) (fileState, time.Duration) {
	switch {
	case l.writers == busy:
		return open, t.busyWait(e, now)
	case known:
		return closed, 0
	case l.writers == free:
		return t.judgeFree(e, l, quick, now)
	}
	wait := t.quietFor(e, l, quick) - now.Sub(e.since)
	if wait <= 0 {
		return closed, 0
	}
	if e.demand == expected {
		wait = min(wait, t.opts.Settle) // the next chunk may appear meanwhile
	}
	return settling, wait
}

// judgeFree is judge for a file without a writer.
func (t *tree) judgeFree(e *entry, l look, quick bool, now time.Time) (fileState, time.Duration) {
	settle, early := t.opts.Settle, t.opts.ClosesEarly(e.path())
	if early && now.Sub(e.appeared) < youngAge {
		settle = max(settle, youngSettle)
	}
	empty := l.isEmpty(quick)
	if empty {
		settle = max(settle, t.opts.SlowSettle)
	}
	settled := now.Sub(e.since) >= settle || now.Sub(l.version.ModTime) >= settle
	soon := e.demand == expected && !early && !empty || quick && e.news.kind == newsClosed
	if settled || soon {
		return closed, 0
	}
	return settling, settle
}

// isEmpty reports whether nothing is in the file, which is no manifest: its writer may be about to fill
// it.
func (l look) isEmpty(quick bool) bool { return l.version.Size == 0 && !quick }

// emit reports that version v of e is closed.
func (t *tree) emit(e *entry, v media.Version, quick bool, now time.Time) {
	ev := Event{Op: Closed, Path: e.path(), Version: v}
	if e.demand == backlogged && e.news.kind == noNews && !quick {
		t.out.putOld(ev)
	} else {
		t.out.put(ev)
		t.old.liveAt = now
	}
	e.report(v)
}

// isHeld reports whether a file beside e says that e is not whole. Then e is decided on again when
// a file in its directory is gone.
func (t *tree) isHeld(e *entry, now time.Time) bool {
	for _, beside := range t.opts.Unfinished(e.path()) {
		if t.file(beside) == nil {
			continue
		}
		e.state = held
		if e.dir.held == nil {
			e.dir.held = make(map[string]*entry)
		}
		e.dir.held[e.name] = e
		if lasted := now.Sub(e.since); lasted < heldLong {
			t.due.set(e, now.Add(heldLong-lasted))
		} else {
			t.begin(fileHeld, e.path(), "beside", beside,
				"lasted", lasted.Round(time.Second), "next", "it is reported as closed when that file is gone")
		}
		return true
	}
	delete(e.dir.held, e.name)
	t.end(fileHeld, e.path())
	return false
}

// busyWait returns when to look again at a file that has a writer. Where closes are seen, the next
// close leads to a look. Another look is for the close that was just seen, and for a writer that
// opened the file under another name.
func (t *tree) busyWait(e *entry, now time.Time) time.Duration {
	switch {
	case t.root.notify == nil || !t.root.notify.seesClose() || !e.dir.watched:
		return t.opts.Settle
	case e.news.kind != newsClosed:
		return t.opts.SlowSettle
	}
	return min(max(minBusyWait, now.Sub(e.news.at)), t.opts.SlowSettle)
}

// quietFor returns how long a file must be unchanged if the kernel does not say whether it has a
// writer.
func (t *tree) quietFor(e *entry, l look, quick bool) time.Duration {
	switch {
	case quick && e.news.kind == newsClosed:
		return 0
	case l.isEmpty(quick):
		return t.opts.SlowSettle
	case quick, e.demand == expected && e.dir.newest[path.Ext(e.name)] > e.born:
		return t.opts.Settle
	}
	return t.opts.SlowSettle
}

func (t *tree) probe(p string) (look, error) {
	defer t.w.disk.End(t.w.disk.Begin())
	if t.root.leases && !t.isShared(p) {
		return t.w.probe(t.abs(p))
	}
	return lookFile(t.abs(p))
}

// vanished drops a file whose name is gone, unless the whole root is gone or unmounted: then what
// is known is kept, and compared when the root is back.
func (t *tree) vanished(e *entry) {
	before := t.root.attached
	t.checkRoot()
	switch {
	case !t.root.present, t.root.home.IsUnmounted() && e.born <= t.root.kept:
		if e.demand == expected {
			e.demand = usual
			t.named.away[e.path()] = true
		}
	case t.root.attached != before:
		t.due.set(e, time.Now()) // look in the new root
	default:
		t.forget(e)
	}
}

// forget drops a file, and reports that if the file was reported or is expected.
func (t *tree) forget(e *entry) {
	p := e.path()
	if e.stage == reported {
		t.out.put(Event{Op: Removed, Path: p})
	}
	if e.demand == expected {
		t.out.put(Event{Op: Absent, Path: p})
	}
	t.drop(e)
}
