package watcher

import (
	"path/filepath"
	"strings"

	"ems-sidecar/internal/disk"
)

// A mount is a file system that is mounted below the root.
type mount struct {
	id         string // of this mount; a later one at the same mount point has another
	fileSystem string
	shared     bool // others may write to it unseen
}

// takeMounts notes what is mounted below the root, and returns what is new and what is gone.
func (t *tree) takeMounts() (gained, lost map[string]mount) {
	defer t.w.disk.End(t.w.disk.Begin())
	root, err := filepath.EvalSymlinks(t.w.root)
	if err != nil {
		return nil, nil // the root is gone, which checkRoot finds
	}
	before, now := t.mounts.below, t.w.mountsBelow(root)
	gained, lost = make(map[string]mount), make(map[string]mount)
	for p, m := range now {
		if before[p].id != m.id {
			gained[p] = m
		}
	}
	for p, m := range before {
		if now[p].id != m.id {
			lost[p] = m
		}
	}
	t.mounts.below = now
	return gained, lost
}

// checkMounts has the tree scanned if something was mounted or unmounted below the root.
func (t *tree) checkMounts() {
	t.forgetMounts()
	if !t.mounts.watch.changed() || !t.root.present {
		return
	}
	gained, lost := t.takeMounts()
	t.tellMounts(gained, lost)
	if len(gained)+len(lost) > 0 {
		t.rescanAll()
	}
}

// tellMounts reports what was mounted and unmounted below the root. All is scanned then.
func (t *tree) tellMounts(gained, lost map[string]mount) {
	for p, m := range lost {
		t.mounts.lost[p] = true
		t.hide(mountGone, p, errNotMounted, "filesystem", m.fileSystem)
	}
	for p, m := range gained {
		delete(t.mounts.lost, p)
		t.show(mountGone, p)
		t.log.Info("file system was mounted below the root, scanning all", "path", p, "filesystem", m.fileSystem,
			"polled", m.shared)
	}
}

// forgetMounts forgets the file systems whose mount points were removed: nothing is mounted there
// again. A note that a directory is gone does not tell that: the kernel sends one for an unmount, too.
func (t *tree) forgetMounts() {
	if !t.root.present || t.root.home.IsUnmounted() {
		return
	}
	for p := range t.mounts.lost {
		if fi, err := t.lstat(p); disk.IsGone(err) || err == nil && !fi.IsDir() {
			delete(t.mounts.lost, p)
			t.w.unseen.remove(mountGone, p)
			t.forgetTrouble(p, mountGone)
		}
	}
}

// isShared reports whether p is on a file system below the root to which others may write unseen.
func (t *tree) isShared(p string) bool {
	for at, m := range t.mounts.below {
		if m.shared && (p == at || strings.HasPrefix(p, at+"/")) {
			return true
		}
	}
	return false
}

// sharedBelow reports whether there is such a file system.
func (t *tree) sharedBelow() bool {
	for _, m := range t.mounts.below {
		if m.shared {
			return true
		}
	}
	return false
}
