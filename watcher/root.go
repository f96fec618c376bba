package watcher

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"ems-sidecar/internal/disk"
)

// checkRoot finds the root, or finds that it is gone or another one now. A root that vanished is
// no deletion of what was in it: what is known is kept, and compared when it is back.
func (t *tree) checkRoot() {
	fi, err := t.statRoot()
	if err == nil && !fi.IsDir() {
		err = &fs.PathError{Op: "stat", Path: t.w.root, Err: syscall.ENOTDIR}
	}
	if err != nil {
		if t.present {
			t.log.Warn("root is gone, waiting for it", "err", err)
		} else if !t.announced {
			t.log.Warn("root does not exist yet, waiting for it", "err", err)
		}
		t.announced = true
		t.detach()
		return
	}
	if t.present && !t.replaced && os.SameFile(fi, t.rootInfo) {
		return
	}
	if t.present {
		t.log.Warn("root was replaced, watching the new one")
	}
	t.detach()
	t.attach(fi)
}

func (t *tree) statRoot() (fs.FileInfo, error) {
	defer t.w.disk.End(t.w.disk.Begin())
	return os.Stat(t.w.root)
}

// attach starts watching the root that is there now.
func (t *tree) attach(fi fs.FileInfo) {
	begun := t.w.disk.Begin()
	file, err := t.w.statfs(t.w.root)
	dev, _ := device(t.w.root)
	t.w.disk.End(begun)
	if err != nil {
		t.warn("cannot tell the root's file system", "", "err", err)
	}
	backend, reason := choose(t.opts.Backend, file)
	var n notifier
	if backend != Poll {
		if n, err = t.w.newNotify(backend); errors.Is(err, errors.ErrUnsupported) {
			t.log.Error("backend is not to be had here", "backend", backend.String(), "instead", Fsnotify.String(), "err", err)
			backend, reason = Fsnotify, "instead of another"
			n, err = t.w.newNotify(backend)
		}
		if err != nil {
			t.logNoNotifier(backend, err)
			backend, reason, n = Poll, "no other is to be had", nil
		}
	}
	t.log.Info("watching", "backend", backend.String(), "reason", reason, "filesystem", file.name)

	still := t.suspended && dev == t.pointDevice // what was written to it since makes it no other
	t.suspended = t.rootInfo != nil && dev != t.rootDevice && (still || t.isEmpty())
	switch {
	case still:
	case t.suspended:
		t.kept, t.pointDevice = t.tick, dev
		t.log.Warn("root is an empty directory on another device now, is its file system not mounted?")
	default:
		t.rootDevice = dev
	}
	t.rootInfo = fi
	t.attached++
	t.present, t.replaced, t.announced = true, false, false
	t.takeMounts()
	t.backend, t.notify, t.leases = backend, n, !file.shared
	t.rescanAll()

	waiting := t.expected
	t.expected = map[string]bool{}
	for p := range waiting {
		t.expect([]string{p})
	}
}

func (t *tree) isEmpty() bool {
	defer t.w.disk.End(t.w.disk.Begin())
	return disk.IsEmpty(t.w.root)
}

// detach stops watching, and keeps what is known.
func (t *tree) detach() {
	t.present = false
	for _, d := range t.scans {
		d.queued, d.deep = false, false
	}
	t.scans = nil
	t.state.Watches = 0
	t.state.Degraded = false
	if t.notify == nil {
		return
	}
	t.notify.close()
	t.notify = nil
	for _, d := range t.dirs {
		d.watched = false
	}
}

// choose returns the backend for a file system and why.
func choose(wanted Backend, file fileSystem) (Backend, string) {
	switch {
	case wanted != Auto:
		return wanted, "configured"
	case file.shared:
		return Poll, "others may write to this file system unseen"
	case runtime.GOOS == "linux":
		return Inotify, "local file system"
	}
	return Fsnotify, "no inotify on " + runtime.GOOS
}
