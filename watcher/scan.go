package watcher

import (
	"io/fs"
	"path"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
)

// scanSoon adds a directory, and with deep all below it, to the queue. A directory is in it at most
// once.
func (t *tree) scanSoon(d *dir, deep bool) {
	d.deep = d.deep || deep
	if !d.queued {
		d.queued = true
		t.scans.queue = append(t.scans.queue, d)
	}
}

// rescanAll has the whole tree scanned. Two calls before the scan begins lead to one scan.
func (t *tree) rescanAll() {
	t.scans.whole = true
	t.scans.full = false
	t.scanSoon(t.dirs[""], true)
}

// scan has a directory watched, and then compares it with what is known of it. Files appear in a
// new directory faster than it can be watched, so the order matters.
func (t *tree) scan(d *dir, now time.Time) {
	deep := d.deep
	d.queued, d.deep = false, false
	if d.gone {
		return
	}
	if deep || !d.watched {
		t.watch(d)
	}
	list, err := t.readDir(d)
	switch d.unread = err != nil && !disk.IsGone(err); {
	case err == nil:
	case d.unread:
		t.state.Degraded = true
		t.hide(dirUnread, d.path, err, "every", t.opts.PollInterval)
		return
	case d.parent == nil:
		t.root.replaced = true
		t.checkRoot()
		return
	default:
		t.dirGone(d, now)
		return
	}
	t.show(dirUnread, d.path)
	t.tick++
	for _, de := range list {
		t.compareName(d, de, deep, now)
	}
	if !t.root.home.IsUnmounted() { // what is missing from a mount point is not gone
		t.lookForMissing(d, now)
	}
}

// compareName notes what a scan of d found under one name.
func (t *tree) compareName(d *dir, de fs.DirEntry, deep bool, now time.Time) {
	p := path.Join(d.path, de.Name())
	switch {
	case t.ignored(p, de.IsDir()):
	case de.IsDir():
		sub := d.subs[de.Name()]
		if sub == nil || sub.gone || deep {
			sub = t.addDir(p)
			t.scanSoon(sub, true)
		}
		sub.mark = t.tick
	case !de.Type().IsRegular():
		t.begin(notRegular, p, "type", de.Type().String())
	default:
		if fi, err := t.info(de); err == nil { // else it has just gone
			t.compare(d, de.Name(), media.VersionOf(fi), now)
		}
	}
}

// lookForMissing has the names decided on that the scan of d under way did not find.
func (t *tree) lookForMissing(d *dir, now time.Time) {
	for _, e := range d.files {
		if e.mark != t.tick {
			t.setSoon(e, now)
		}
	}
	for _, sub := range d.subs {
		if sub.mark != t.tick {
			t.dirGone(sub, now)
		}
	}
}

// readDir returns the names in a directory. The root may be a symbolic link. No other link is
// followed.
func (t *tree) readDir(d *dir) ([]fs.DirEntry, error) {
	defer t.w.disk.End(t.w.disk.Begin())
	if d.parent == nil {
		return disk.ReadRoot(t.w.root)
	}
	return disk.ReadDir(t.abs(d.path))
}

func (t *tree) info(de fs.DirEntry) (fs.FileInfo, error) {
	defer t.w.disk.End(t.w.disk.Begin())
	return de.Info()
}

// compare notes what a scan saw of a file.
func (t *tree) compare(d *dir, name string, v media.Version, now time.Time) {
	e := d.files[name]
	switch {
	case e == nil:
		e = t.addFile(d, name)
		t.seeListed(e, v, now)
		t.found(e, now)
	case e.demand == backlogged && e.due.IsZero() && v.Equal(e.look): // the backlog has it
	case e.stage != reported || !e.due.IsZero():
		t.setSoon(e, now)
	case !v.Equal(e.last):
		t.seeListed(e, v, now)
		t.setSoon(e, now)
	}
	e.mark = t.tick
}

// found has a new file decided on that a scan found. It may have been closed long ago.
func (t *tree) found(e *entry, now time.Time) {
	manifest := t.opts.Quick(e.path())
	if t.started() || manifest && now.Sub(e.look.ModTime) < liveAge {
		t.due.set(e, now)
		return
	}
	t.old.add(e, manifest)
}

// started reports whether the first scan is done.
func (t *tree) started() bool {
	select {
	case <-t.w.ready:
		return true
	default:
		return false
	}
}

// watch has a directory watched. If that fails, the tree is scanned at intervals.
func (t *tree) watch(d *dir) {
	if t.root.notify == nil || (t.scans.full && !d.watched) {
		return
	}
	err := t.addWatch(d.path)
	switch {
	case err == nil:
		if !d.watched {
			d.watched = true
			t.state.Watches++
			t.end(dirUnwatched, d.path)
		}
		return
	case outOfWatches(err):
		t.scans.full = true
	case !disk.IsGone(err):
		t.begin(dirUnwatched, d.path, "err", err, "every", t.opts.PollInterval)
	}
	t.unwatch(d)
	t.state.Degraded = true
}

func (t *tree) addWatch(p string) error {
	defer t.w.disk.End(t.w.disk.Begin())
	return t.root.notify.watch(p)
}

// scanDone is called when no directory waits to be scanned.
func (t *tree) scanDone() {
	t.scans.done = time.Now()
	if t.scans.whole {
		t.scans.whole = false
		t.state.Degraded = t.root.notify != nil && t.state.Watches < t.state.Dirs
		for _, d := range t.dirs {
			t.state.Degraded = t.state.Degraded || d.unread && !d.gone
		}
		if !t.scans.full {
			t.trouble.End(tooFewWatches, trouble.At{}, "watches", t.state.Watches)
		}
	}
	if t.scans.full {
		t.reportTooFewWatches()
	}
	t.publishState()
	if !t.started() {
		t.old.begin(t.scans.done)
		close(t.w.ready)
		t.scans.undecided = make(map[*entry]struct{})
		for _, d := range t.dirs {
			for _, e := range d.files {
				if e.stage != reported {
					t.scans.undecided[e] = struct{}{}
				}
			}
		}
	}
}

// settle closes settled when all files of the first scan are decided on and reported.
func (t *tree) settle() {
	if t.scans.undecided == nil || len(t.scans.undecided) > 0 || !t.out.empty() {
		return
	}
	t.scans.undecided = nil
	close(t.w.settled)
}
