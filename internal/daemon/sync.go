package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/uploader"
)

const (
	progressEvery = 200 * time.Millisecond
	// stalledAfter is how long Sync goes on although nothing has arrived in the bucket.
	stalledAfter = 2 * time.Minute
)

// Sync uploads the files that are not in the bucket, and returns when all are there. It returns an
// error if something cannot be uploaded. It reports its progress several times a second.
func (d *Daemon) Sync(ctx context.Context, report func(uploader.Progress)) error {
	if d.config().AsksEMS() {
		if err := d.ask(ctx); err != nil {
			return err
		}
	}
	if dir := d.up.Occupied(); dir != "" {
		return fmt.Errorf("an ems-sidecar that runs already uploads from %s, and compared everything there after its start: "+
			"to compare again, restart it, or stop it and then sync", dir)
	}
	for _, s := range d.sections.list() {
		s.dest.Delete = false // only the running daemon deletes
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	parts, running := errgroup.WithContext(running)
	parts.Go(func() error { return d.publish(running, d.roots.list()) })
	parts.Go(func() error {
		defer stop()
		return d.synced(running, report)
	})
	return parts.Wait()
}

// synced returns when nothing is left to do, or nothing moves.
func (d *Daemon) synced(ctx context.Context, report func(uploader.Progress)) error {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	state := syncState{moved: time.Now()}
	for {
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-tick.C:
		}
		if r := d.missingRoot(); r != nil {
			return fmt.Errorf("the directory %s does not exist", r.dir)
		}
		settled := d.roots.settled() // before the question: what was passed on by then is in the answer
		p, ok := d.up.Progress(ctx)
		if !ok {
			continue
		}
		report(p)
		if done, err := state.decide(p, settled, time.Now()); done {
			return err
		}
	}
}

// missingRoot returns a root of the config that does not exist, or nil.
func (d *Daemon) missingRoot() *root {
	for _, r := range d.roots.list() {
		if r.watcher.State().Waiting && !r.isFound() {
			return r
		}
	}
	return nil
}

// A syncState decides when Sync ends.
type syncState struct {
	last  uploader.Progress
	moved time.Time // when the progress last changed
}

// decide reports whether Sync ends, and with what error.
func (s *syncState) decide(p uploader.Progress, settled bool, now time.Time) (done bool, err error) {
	if p != s.last {
		s.last, s.moved = p, now
	}
	switch left := p.Files - p.There + p.Manifests - p.Published; {
	case settled && p.Idle && p.Lost > 0:
		return true, fmt.Errorf("%d chunks are lost: they were deleted before they could be uploaded, "+
			"or cannot be published under their names", p.Lost)
	case settled && p.Idle && left == 0:
		return true, nil
	case p.Refused:
		return true, fmt.Errorf("the bucket refuses requests: %d files are not in it", left)
	case now.Sub(s.moved) > stalledAfter:
		return true, fmt.Errorf("nothing has moved for %v: %d files are not in the bucket", stalledAfter, left)
	}
	return false, nil
}

// settled reports whether all files that existed at the start were passed on, and all that an
// earlier run kept. A directory that EMS has not made yet has none.
func (rs *roots) settled() bool {
	return !slices.ContainsFunc(rs.list(), func(r *root) bool {
		select {
		case <-r.settled:
			return slices.ContainsFunc(rs.placesOf(r), func(p *place) bool { return !p.source.Restored() })
		default:
			return !r.isFound() || !r.watcher.State().Waiting
		}
	})
}
