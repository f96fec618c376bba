package watcher

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"ems-sidecar/internal/trouble"
)

// Unseen is a directory of which, or of whose files, nothing can be seen. What is below it may be
// hidden, too.
type Unseen struct {
	Dir   string // below the root; "" is the root
	Err   error
	Since time.Time
}

const (
	// maxUnseen is how many unseen directories are told.
	maxUnseen = 1000
	// silence is after how long a file system that does not answer hides the whole root.
	silence = 5 * time.Second
)

// unseen are the directories that cannot be seen, by condition and directory.
type unseen struct {
	mu  sync.Mutex // guards all
	all map[string]Unseen
}

func (u *unseen) add(c trouble.Condition, dir string, err error, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	k := c.Kind + "/" + dir
	known, ok := u.all[k]
	if !ok && len(u.all) >= maxUnseen {
		return
	}
	if !ok {
		known = Unseen{Dir: dir, Since: now}
	}
	known.Err = err
	if u.all == nil {
		u.all = make(map[string]Unseen)
	}
	u.all[k] = known
}

func (u *unseen) remove(c trouble.Condition, dir string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.all, c.Kind+"/"+dir)
}

// Unseen returns what cannot be seen now. It may be called from any goroutine.
func (w *Watcher) Unseen() []Unseen {
	w.unseen.mu.Lock()
	defer w.unseen.mu.Unlock()
	return slices.SortedFunc(maps.Values(w.unseen.all), func(a, b Unseen) int { return strings.Compare(a.Dir, b.Dir) })
}

// SilentSince returns since when a file system has not answered a call, or the zero time. It tells
// so sooner than StuckSince.
func (w *Watcher) SilentSince(now time.Time) time.Time { return w.disk.PendingSince(now, silence) }

// hide reports that c keeps the directory from being seen.
func (t *tree) hide(c trouble.Condition, dir string, err error, attrs ...any) {
	t.w.unseen.add(c, dir, err, time.Now())
	attrs = append([]any{"err", err}, attrs...)
	if errors.Is(err, fs.ErrPermission) {
		attrs = append(attrs, "hint", "give the daemon's user the right to read and enter the directory: "+
			"chmod o+rx, its group, or an ACL")
	}
	t.begin(c, dir, attrs...)
}

// show reports that c does not keep the directory from being seen any more.
func (t *tree) show(c trouble.Condition, dir string) {
	t.w.unseen.remove(c, dir)
	t.end(c, dir)
}

// setUnseen notes whether e could not be looked at, and why. One line tells of a directory, however
// many of its files are hidden.
func (t *tree) setUnseen(e *entry, err error) {
	d := e.dir
	switch {
	case err != nil && !e.unseen:
		e.unseen = true
		d.unseen++
		t.hide(fileUnseen, d.path, err, "next", "its files are looked at again and again")
	case err == nil && e.unseen:
		e.unseen = false
		if d.unseen--; d.unseen == 0 {
			t.show(fileUnseen, d.path)
		}
	}
}
