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

// Sync uploads what is there now and is not in the bucket, and returns when all is; with an error if something cannot be
// uploaded. It reports its progress several times a second.
func (d *Daemon) Sync(ctx context.Context, report func(uploader.Progress)) error {
	if d.cfg.AsksEMS() {
		if err := d.ask(ctx); err != nil {
			return err
		}
	}
	if dir := d.up.Occupied(); dir != "" {
		return fmt.Errorf("an ems-sidecar that runs already uploads from %s, and after its start compares all that is there: "+
			"for another comparison restart it, or stop it and sync then", dir)
	}
	for _, s := range d.sections {
		s.dest.Delete = false // that is the running daemon's
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
	var last uploader.Progress
	moved := time.Now()
	for {
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-tick.C:
		}
		for _, r := range d.roots.list() {
			if r.watcher.State().Waiting && !r.isFound() {
				return fmt.Errorf("the directory %s does not exist", r.dir)
			}
		}
		settled := d.roots.settled() // before the question: what was passed on by then is in the answer
		p, ok := d.up.Progress(ctx)
		if !ok {
			continue
		}
		report(p)
		if p != last {
			last, moved = p, time.Now()
		}
		switch left := p.Files - p.There + p.Manifests - p.Published; {
		case settled && p.Idle && p.Lost > 0:
			return fmt.Errorf("%d chunks are lost: they were deleted before they could be uploaded, or cannot be published under their names", p.Lost)
		case settled && p.Idle && left == 0:
			return nil
		case p.Refused:
			return fmt.Errorf("the bucket refuses requests: %d files are not in it", left)
		case time.Since(moved) > stalledAfter:
			return fmt.Errorf("nothing has moved for %v: %d files are not in the bucket", stalledAfter, left)
		}
	}
}

// settled reports whether all that was there at the start was passed on, and all that an earlier run has kept. Where EMS has
// not written yet, there was nothing.
func (rs *roots) settled() bool {
	return !slices.ContainsFunc(rs.list(), func(r *root) bool {
		select {
		case <-r.settled:
			return slices.ContainsFunc(r.sources, func(s *uploader.Source) bool { return !s.Restored() })
		default:
			return !r.isFound() || !r.watcher.State().Waiting
		}
	})
}
