package watcher

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
)

// checkRoot finds the root, or finds that it is gone or another one now. A root that vanished is
// no deletion of what was in it: what is known is kept, and compared when it is back.
func (t *tree) checkRoot() {
	fi, err := t.statRoot()
	if err == nil && !fi.IsDir() {
		err = &fs.PathError{Op: "stat", Path: t.w.root, Err: syscall.ENOTDIR}
	}
	if err != nil {
		c := rootGone
		if t.root.info == nil {
			c = rootAbsent
		}
		t.trouble.Begin(c, trouble.At{}, "err", err, "next", "it is waited for")
		t.detach()
		return
	}
	if t.root.present && !t.root.replaced && os.SameFile(fi, t.root.info) {
		return
	}
	if t.root.present {
		t.trouble.Report(rootReplaced, trouble.At{}, "next", "the new one is watched")
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
	t.trouble.End(rootAbsent, trouble.At{})
	t.trouble.End(rootGone, trouble.At{})
	begun := t.w.disk.Begin()
	file, err := t.w.statfs(t.w.root)
	dev, _ := device(t.w.root)
	t.w.disk.End(begun)
	if err != nil {
		t.trouble.Begin(fileSystemUnknown, trouble.At{}, "err", err, "next", "it counts as a local one")
	} else {
		t.trouble.End(fileSystemUnknown, trouble.At{})
	}
	backend, reason := choose(t.opts.Backend, file)
	var n notifier
	if backend != Poll {
		if n, err = t.w.newNotify(backend); errors.Is(err, errors.ErrUnsupported) {
			t.trouble.Begin(backendMissing, trouble.At{}, "backend", backend.String(), "err", err, "next", "fsnotify is used instead")
			backend, reason = Fsnotify, "instead of another"
			n, err = t.w.newNotify(backend)
		}
		if err != nil {
			t.reportNoNotifier(backend, err)
			backend, reason, n = Poll, "no other backend works", nil
		} else {
			t.trouble.End(cannotWatch, trouble.At{})
			t.trouble.End(tooFewInstances, trouble.At{})
		}
	}
	t.log.Info("watching", "backend", backend.String(), "reason", reason, "filesystem", file.name)

	still := t.root.suspended && dev == t.root.pointDevice // what was written to it since makes it no other
	t.root.suspended = t.root.info != nil && dev != t.root.device && (still || t.isEmpty())
	switch {
	case still:
	case t.root.suspended:
		t.root.kept, t.root.pointDevice = t.tick, dev
		t.trouble.Begin(rootUnmounted, trouble.At{}, "next", "what was in the root is kept until it is back",
			"hint", "is its file system not mounted?")
	default:
		t.trouble.End(rootUnmounted, trouble.At{})
		t.root.device = dev
	}
	t.root.info = fi
	t.root.attached++
	t.root.present, t.root.replaced = true, false
	t.takeMounts()
	t.root.backend, t.root.notify, t.root.leases = backend, n, !file.shared
	t.rescanAll()

	waiting := t.named.away
	t.named.away = map[string]bool{}
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
	t.root.present = false
	for _, d := range t.scans.queue {
		d.queued, d.deep = false, false
	}
	t.scans.queue = nil
	t.state.Watches = 0
	t.state.Degraded = false
	if t.root.notify == nil {
		return
	}
	t.root.notify.close()
	t.root.notify = nil
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
