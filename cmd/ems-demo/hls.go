package main

import (
	"context"
	"fmt"
	"path"
	"time"

	"ems-sidecar/internal/emswriter"
	"ems-sidecar/media"
)

// An hlsStream plays recorded segments as a rolling HLS stream.
type hlsStream struct{ loop *tsLoop }

func newHLSStream() (stream, error) {
	segments, err := recordedSegments()
	if err != nil {
		return nil, err
	}
	l, err := newTSLoop(segments)
	if err != nil {
		return nil, err
	}
	return hlsStream{l}, nil
}

func (s hlsStream) output() output {
	return output{
		layout: media.Layout{Format: media.HLS},
		entry:  path.Join(groupName, "playlist.m3u8"),
		index:  path.Join(groupName, streamName, "playlist.m3u8"),
	}
}

func (s hlsStream) play(ctx context.Context, on stage) error {
	// The figures of the recorded master playlist.
	variant := emswriter.Variant{Stream: streamName, Bandwidth: 198000, Resolution: "320x180"}
	if err := emswriter.Master(on.group(), variant); err != nil {
		return fmt.Errorf("write master playlist: %w", err)
	}
	w := &emswriter.HLS{Dir: on.stream()}
	return on.encoder.runs(ctx, func(sending context.Context) error { return s.run(sending, on, w) })
}

// run writes the stream from an encoder's start to its end. As with an encoder, the timestamps begin
// where they began before.
func (s hlsStream) run(ctx context.Context, on stage, w *emswriter.HLS) error {
	if err := w.Start(); err != nil {
		return fmt.Errorf("start stream: %w", err)
	}
	lasts := s.loop.chunkDuration()
	started := on.clock()
	for n := 0; ; n++ {
		at := time.Duration(n) * lasts
		if err := s.write(ctx, on, w, s.loop.segment(n), started, at, at+lasts); err != nil {
			return fmt.Errorf("write chunk %d: %w", n+1, err)
		}
		on.closes(w.Chunk())
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

// write writes the chunk's packets in as many steps as it has pictures.
func (s hlsStream) write(ctx context.Context, on stage, w *emswriter.HLS, chunk []byte,
	started time.Time, begin, end time.Duration) error {
	const steps = 100
	packets, written := len(chunk)/packetSize, 0
	return on.spread(ctx, started, begin, end, steps, func(step int) error {
		upTo := packets * step / steps * packetSize
		_, err := w.Write(chunk[written:upTo])
		written = upTo
		return err
	})
}
