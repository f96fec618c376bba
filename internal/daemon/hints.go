package daemon

import (
	"context"
	"time"
)

// hintPause is the least time between two scans that hints ask for: a scan looks at each file.
const hintPause = 2 * time.Second

// Hints of writers say that a stream begins or ends, and not which one. Anyone who reaches the admin
// listener may give them.
type hints struct{ given chan struct{} } // holds one

func newHints() hints { return hints{make(chan struct{}, 1)} }

// give takes a hint. Those that wait are one.
func (h hints) give() {
	select {
	case h.given <- struct{}{}:
	default:
	}
}

// follow calls scan for hints until ctx ends.
func (h hints) follow(ctx context.Context, scan func()) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-h.given:
		}
		scan()
		pause.Reset(hintPause)
	}
}

// rescan has all roots scanned.
func (d *Daemon) rescan() {
	d.log.Debug("scanning, as a writer said that a stream begins or ends")
	for _, r := range d.roots.list() {
		r.watcher.Rescan()
	}
}
