package main

import (
	"context"
	"path/filepath"
	"time"

	"ems-sidecar/media"
)

// A stream is a live stream in one format, which repeats a recording forever.
type stream interface {
	output() output
	// play writes it as EMS writes a rolling live stream, until the context ends. Then it ends the
	// stream as EMS does: what is being written is completed at once, so that it lasts as long as
	// the manifest says.
	play(context.Context, stage) error
}

// newStream returns the stream of a format that the demo has.
func newStream(f media.Format) (stream, error) {
	switch f {
	case media.HDS:
		return newHDSStream()
	case media.DASH:
		return newDASHStream()
	default:
		return newHLSStream()
	}
}

// A stage is where a stream plays.
type stage struct {
	root  string           // <root>/<group>/<stream>/… is written
	speed float64          // as a factor; 1: real time
	now   func() time.Time // by which the stream goes on; nil: time.Now
	// encoder sends the stream of HLS.
	encoder *encoder
	// closing is called with the key of each chunk, right before the chunk is closed.
	closing func(key string)
}

// group and stream are the stage's directories.
func (s stage) group() string  { return filepath.Join(s.root, groupName) }
func (s stage) stream() string { return filepath.Join(s.root, groupName, streamName) }

// closes reports the chunk with this path.
func (s stage) closes(chunk string) {
	if key, err := filepath.Rel(s.root, chunk); err == nil {
		s.closing(filepath.ToSlash(key))
	}
}

// clock returns the time by which the stream goes on.
func (s stage) clock() time.Time {
	if s.now == nil {
		return time.Now()
	}
	return s.now()
}

// spread calls write with 1 to steps over the time from begin to end of the stream, which started
// at some time: so that no delay adds up. If the context ends, it waits no longer.
func (s stage) spread(ctx context.Context, started time.Time, begin, end time.Duration, steps int,
	write func(step int) error) error {
	for step := 1; step <= steps; step++ {
		at := begin + (end-begin)*time.Duration(step)/time.Duration(steps)
		due := started.Add(time.Duration(float64(at) / s.speed))
		for ctx.Err() == nil && s.clock().Before(due) { // the clock may be slower than the machine's
			sleep(ctx, due.Sub(s.clock()))
		}
		if err := write(step); err != nil {
			return err
		}
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
