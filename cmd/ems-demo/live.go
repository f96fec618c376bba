package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"time"

	"ems-sidecar/internal/emswriter"
)

const (
	groupName  = "demo"
	streamName = "live1"
)

// masterKey and playlistKey are where a player finds the stream in the bucket: EMS's paths below the root.
var (
	masterKey   = path.Join(groupName, "playlist.m3u8")
	playlistKey = path.Join(groupName, streamName, "playlist.m3u8")
)

// A live stream plays a loop as EMS writes a rolling live stream.
type live struct {
	root string // <root>/<group>/<stream>/… is written
	loop *loop
	pace time.Duration // how long one chunk takes to write; what it lasts in real life
	// closing is told of each chunk right before it is closed, with its key.
	closing func(key string)
}

// play writes until the context ends. Then it ends the stream as EMS does: the chunk that is being
// written is completed at once, so that it lasts as long as the playlist says, and ENDLIST follows.
func (l *live) play(ctx context.Context) error {
	group := filepath.Join(l.root, groupName)
	// The figures of the recorded master playlist.
	if err := emswriter.Master(group, emswriter.Variant{Stream: streamName, Bandwidth: 198000, Resolution: "320x180"}); err != nil {
		return fmt.Errorf("write master playlist: %w", err)
	}
	w := &emswriter.HLS{Dir: filepath.Join(group, streamName)}
	if err := w.Start(); err != nil {
		return fmt.Errorf("start stream: %w", err)
	}
	lasts := l.loop.chunkDuration()
	start := time.Now()
	for n := 0; ; n++ {
		// From the stream's start, so that no delay adds up.
		if err := l.write(ctx, w, l.loop.segment(n), start.Add(time.Duration(n)*l.pace)); err != nil {
			return fmt.Errorf("write chunk %d: %w", n+1, err)
		}
		l.closing(path.Join(groupName, streamName, filepath.Base(w.Chunk())))
		if ctx.Err() != nil {
			if err := w.End(lasts); err != nil {
				return fmt.Errorf("end stream: %w", err)
			}
			return nil
		}
		if err := w.Next(lasts); err != nil {
			return fmt.Errorf("close chunk %d: %w", n+1, err)
		}
	}
}

// write spreads the chunk's packets over the pace, in as many steps as its pictures.
func (l *live) write(ctx context.Context, w *emswriter.HLS, chunk []byte, start time.Time) error {
	const steps = 100
	packets := len(chunk) / packetSize
	written := 0
	for step := 1; step <= steps; step++ {
		sleep(ctx, time.Until(start.Add(l.pace*time.Duration(step)/steps)))
		upTo := packets * step / steps * packetSize
		if _, err := w.Write(chunk[written:upTo]); err != nil {
			return err
		}
		written = upTo
	}
	return nil
}

// sleep returns after d, or at once when the context ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
