package watcher

import (
	"errors"
	"runtime"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
)

var errNotMounted = errors.New("its file system is not mounted")

// checkRoot attaches the root if it has come, is back or is another directory now, and detaches it
// if it is gone. A root that vanished does not mean that its files were deleted: what is known is
// kept, and compared when it is back.
func (t *tree) checkRoot() {
	was := t.root.home.IsUnmounted()
	sight, err := t.root.home.Look()
	if err != nil {
		c := rootGone
		if sight == disk.Absent {
			c = rootAbsent
		}
		t.w.unseen.add(c, "", err, time.Now())
		t.trouble.Begin(c, trouble.At{}, "err", err, "next", "waiting for it")
		t.detach()
		return
	}
	if t.root.present && !t.root.replaced && sight == disk.Same {
		return
	}
	if t.root.present {
		t.trouble.Report(rootReplaced, trouble.At{}, "next", "the new one is watched")
	}
	if sight == disk.Unmounted && !was {
		t.root.kept = t.tick
	}
	t.detach()
	t.attach(sight)
}

// attach starts watching the root that the path leads to now.
func (t *tree) attach(sight disk.Sight) {
	for _, c := range []trouble.Condition{rootAbsent, rootGone} {
		t.w.unseen.remove(c, "")
		t.trouble.End(c, trouble.At{})
	}
	file := t.fileSystem()
	backend, reason, n := t.newNotifier(file)
	t.log.Info("watching", "backend", backend.String(), "reason", reason, "filesystem", file.name)

	switch sight {
	case disk.Same: // it was gone for a while, or its notifier failed
	case disk.Unmounted:
		t.w.unseen.add(rootUnmounted, "", errNotMounted, time.Now())
		t.trouble.Begin(rootUnmounted, trouble.At{}, "next", "what is known of its files is kept until it is back",
			"hint", "is its file system not mounted?")
	default:
		t.w.unseen.remove(rootUnmounted, "")
		t.trouble.End(rootUnmounted, trouble.At{})
	}
	t.root.attached++
	t.root.present, t.root.replaced = true, false
	if gained, lost := t.takeMounts(); t.root.attached > 1 { // else all are new
		t.tellMounts(gained, lost)
	}
	t.root.backend, t.root.notify, t.root.leases = backend, n, !file.shared
	t.rescanAll()

	waiting := t.named.away
	t.named.away = map[string]bool{}
	for p := range waiting {
		t.expect([]string{p})
	}
}

// fileSystem returns the root's file system.
func (t *tree) fileSystem() fileSystem {
	defer t.w.disk.End(t.w.disk.Begin())
	file, err := t.w.statfs(t.w.root)
	if err != nil {
		t.trouble.Begin(fileSystemUnknown, trouble.At{}, "err", err, "next", "it counts as a local one")
	} else {
		t.trouble.End(fileSystemUnknown, trouble.At{})
	}
	return file
}

// newNotifier returns the backend for the root, the reason for it, and its notifier, which is nil
// for Poll.
func (t *tree) newNotifier(file fileSystem) (Backend, string, notifier) {
	backend, reason := choose(t.opts.Backend, file)
	if backend == Poll {
		return Poll, reason, nil
	}
	n, err := t.w.newNotify(backend)
	if errors.Is(err, errors.ErrUnsupported) {
		t.trouble.Begin(backendMissing, trouble.At{}, "backend", backend.String(), "err", err,
			"next", "fsnotify is used instead")
		backend, reason = Fsnotify, "the configured backend does not exist on this system"
		n, err = t.w.newNotify(backend)
	}
	if err != nil {
		t.reportNoNotifier(backend, err)
		return Poll, "no other backend works", nil
	}
	t.trouble.End(cannotWatch, trouble.At{})
	t.trouble.End(tooFewInstances, trouble.At{})
	return backend, reason, n
}

// detach stops watching. What is known is kept.
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

// choose returns the backend for a file system, and the reason.
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
