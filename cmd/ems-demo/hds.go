package main

import (
	"context"
	"fmt"
	"path"
	"time"

	"ems-sidecar/internal/emswriter"
	"ems-sidecar/media"
)

// An hdsStream plays recorded fragments as a rolling HDS stream.
type hdsStream struct{ loop *hdsLoop }

func newHDSStream() (stream, error) {
	fragments, err := recordedFragments()
	if err != nil {
		return nil, err
	}
	l, err := newHDSLoop(fragments)
	if err != nil {
		return nil, err
	}
	return hdsStream{l}, nil
}

func (s hdsStream) output() output {
	return output{
		layout: media.Layout{Format: media.HDS, Bootstrap: "bootstrap"},
		entry:  path.Join(groupName, "manifest.f4m"),
		index:  path.Join(groupName, streamName, "bootstrap"),
	}
}

func (s hdsStream) play(ctx context.Context, on stage) error {
	w := &emswriter.HDS{Dir: on.stream(), Base: fragmentBase, List: hdsListed, Begin: hdsBegin * time.Millisecond}
	if err := w.Start(); err != nil {
		return fmt.Errorf("start stream: %w", err)
	}
	fragment := s.loop.fragment(0)
	if err := w.First(fragment.content); err != nil {
		return fmt.Errorf("create fragment 1: %w", err)
	}
	started := on.clock()
	for n := 0; ; n++ {
		begin := time.Duration(fragment.at-hdsBegin) * time.Millisecond
		lasts := fragment.duration()
		err := on.spread(ctx, started, begin, begin+lasts, len(fragment.frames), func(step int) error {
			return w.Write(fragment.frames[step-1])
		})
		if err != nil {
			return fmt.Errorf("write fragment %d: %w", n+1, err)
		}
		on.closes(w.Chunk())
		if ctx.Err() != nil {
			if err := w.End(lasts); err != nil {
				return fmt.Errorf("end stream: %w", err)
			}
			return nil
		}
		fragment = s.loop.fragment(n + 1)
		if err := w.Next(lasts, fragment.content); err != nil {
			return fmt.Errorf("close fragment %d: %w", n+1, err)
		}
	}
}
