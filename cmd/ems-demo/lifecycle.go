package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/rclone/gofakes3"
)

// A lifecycle deletes old chunks, so that hours of a live stream do not fill the memory. It
// replaces the lifecycle rule of a real bucket.
type lifecycle struct {
	store   *store
	outputs []output
	age     time.Duration // at which chunks are deleted
	log     *slog.Logger
}

// run expires chunks until the context ends.
func (l lifecycle) run(ctx context.Context) {
	tick := time.NewTicker(min(l.age/4, time.Minute))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			n, err := l.expire(ctx, now.Add(-l.age))
			if err != nil {
				l.log.Warn("lifecycle rule failed", "err", err, "next", "it runs again at its next turn")
			} else if n > 0 {
				l.log.Debug("chunks expired", "count", n)
			}
		}
	}
}

// expire deletes the chunks that are older than before, and returns how many. Manifests and init
// segments stay, however old: some are written once. So does what a manifest names: after the
// machine has slept, the newest chunks are old.
func (l lifecycle) expire(ctx context.Context, before time.Time) (int, error) {
	objects, err := l.store.list(ctx)
	if err != nil {
		return 0, err
	}
	expired := 0
	for _, o := range l.outputs {
		wanted, err := l.named(ctx, o, objects)
		if err != nil {
			return expired, err
		}
		for _, object := range objects {
			if !o.isChunk(object.Key) || !object.LastModified.Before(before) || wanted[object.Key] {
				continue
			}
			if _, err := l.store.backend.DeleteObject(ctx, bucketName, object.Key); err != nil {
				return expired, fmt.Errorf("expire %s: %w", object.Key, err)
			}
			expired++
		}
	}
	return expired, nil
}

// named returns what the output's manifests in the bucket name.
func (l lifecycle) named(ctx context.Context, o output, objects []*gofakes3.Content) (map[string]bool, error) {
	wanted := make(map[string]bool)
	for _, object := range objects {
		if !o.isManifest(object.Key) {
			continue
		}
		content, err := l.store.read(ctx, object.Key)
		if err != nil {
			return nil, err
		}
		m, err := o.parse(object.Key, content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", object.Key, err)
		}
		for _, key := range named(object.Key, m) {
			wanted[key] = true
		}
	}
	return wanted, nil
}
