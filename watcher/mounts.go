package watcher

import (
	"path/filepath"
	"strings"
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
	before, now := t.mounts.below, mountsBelow(root)
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
	if !t.mounts.watch.changed() || !t.root.present {
		return
	}
	gained, lost := t.takeMounts()
	for p, m := range lost {
		t.hide(mountGone, p, errNotMounted, "filesystem", m.fileSystem)
	}
	for p, m := range gained {
		t.show(mountGone, p)
		t.log.Info("file system was mounted below the root, scanning all", "path", p, "filesystem", m.fileSystem,
			"polled", m.shared)
	}
	if len(gained)+len(lost) > 0 {
		t.rescanAll()
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
