package main

import (
	"context"
	"fmt"
	"path"
	"time"

	"ems-sidecar/internal/emswriter"
	"ems-sidecar/media"
)

// A dashStream plays recorded chunks as a rolling DASH stream.
type dashStream struct {
	recording dashRecording
	loop      *dashLoop
}

func newDASHStream() (stream, error) {
	r, err := recordedChunks()
	if err != nil {
		return nil, err
	}
	l, err := newDASHLoop(r.video, r.audio)
	if err != nil {
		return nil, err
	}
	return dashStream{r, l}, nil
}

func (s dashStream) output() output {
	init := func(kind string) string {
		return path.Join(groupName, streamName, kind, dashBitrate, dashInit)
	}
	manifest := path.Join(groupName, "manifest.mpd")
	return output{
		layout: media.Layout{Format: media.DASH},
		entry:  manifest,
		index:  manifest,
		inits:  []string{init("video"), init("audio")},
	}
}

// play writes video and audio side by side. Both are closed when the sound is over, whose clock the
// stream has. EMS closes the video's a moment before, which grows by 17 ms with each chunk.
func (s dashStream) play(ctx context.Context, on stage) error {
	w := &emswriter.DASH{Dir: on.stream(), VideoInit: s.recording.videoInit, AudioInit: s.recording.audioInit}
	if err := w.Start(); err != nil {
		return fmt.Errorf("start stream: %w", err)
	}
	video, audio := s.loop.videoChunk(0), s.loop.audioChunk(0)
	if err := w.First(video.content, audio.content); err != nil {
		return fmt.Errorf("create the first chunks: %w", err)
	}
	started := on.clock()
	for n := 0; ; n++ {
		begin := time.Duration(audio.at) * time.Millisecond
		pictures, sounds := video.frames, audio.frames
		err := on.spread(ctx, started, begin, begin+audio.duration(), len(sounds), func(step int) error {
			upTo := len(video.frames) * step / len(audio.frames)
			for ; len(video.frames)-len(pictures) < upTo; pictures = pictures[1:] {
				if err := w.WriteVideo(pictures[0]); err != nil {
					return err
				}
			}
			return w.WriteAudio(sounds[step-1])
		})
		if err != nil {
			return fmt.Errorf("write chunks %d: %w", n+1, err)
		}
		on.closes(w.VideoChunk())
		if ctx.Err() != nil {
			on.closes(w.AudioChunk())
			if err := w.End(video.duration(), audio.duration()); err != nil {
				return fmt.Errorf("end stream: %w", err)
			}
			return nil
		}
		nextVideo, nextAudio := s.loop.videoChunk(n+1), s.loop.audioChunk(n+1)
		if err := w.NextVideo(video.duration(), nextVideo.content); err != nil {
			return fmt.Errorf("close video chunk %d: %w", n+1, err)
		}
		on.closes(w.AudioChunk())
		if err := w.NextAudio(audio.duration(), nextAudio.content); err != nil {
			return fmt.Errorf("close audio chunk %d: %w", n+1, err)
		}
		video, audio = nextVideo, nextAudio
	}
}
