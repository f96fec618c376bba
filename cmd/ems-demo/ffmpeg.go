package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/media"
)

const (
	ffmpegIndex = "index.m3u8"
	ffmpegChunk = ".ts"
	// ffmpegEnd is how long ffmpeg may take to end its stream.
	ffmpegEnd = 5 * time.Second
	// ffmpegLook is how often the demo looks for a new chunk, for the lag that it shows.
	ffmpegLook = 10 * time.Millisecond
)

// An ffmpegStream is an HLS stream that this machine's ffmpeg writes, of a test picture and a tone.
type ffmpegStream struct{ program string }

func newFFmpegStream() (stream, error) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, fmt.Errorf("--ffmpeg needs ffmpeg, which is not found (%w): install it, as with \"apt install ffmpeg\", "+
			"or leave --ffmpeg out to play a recording", err)
	}
	return ffmpegStream{program}, nil
}

func (s ffmpegStream) output() output {
	index := path.Join(groupName, streamName, ffmpegIndex)
	return output{layout: media.Layout{Format: media.HLS}, entry: index, index: index}
}

func (s ffmpegStream) play(ctx context.Context, on stage) error {
	if err := os.MkdirAll(on.stream(), 0o755); err != nil {
		return err
	}
	return on.encoder.runs(ctx, func(sending context.Context) error { return s.run(sending, on) })
}

// arguments are those of docs/writers/ffmpeg.md. They name no encoder: ffmpeg takes the one for H.264
// that it was built with.
func (s ffmpegStream) arguments(dir string, started time.Time) []string {
	chunks := "%05d-" + started.Format("20060102-150405") + ffmpegChunk
	return []string{"-nostdin", "-loglevel", "error",
		"-re", "-f", "lavfi", "-i", "testsrc2=size=480x270:rate=25", "-re", "-f", "lavfi", "-i", "sine=frequency=220",
		"-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac",
		"-f", "hls", "-hls_time", "2", "-hls_list_size", "6", "-hls_flags", "delete_segments+temp_file",
		"-hls_delete_threshold", "10", "-hls_segment_filename", filepath.Join(dir, chunks),
		filepath.Join(dir, ffmpegIndex)}
}

// run has ffmpeg write until ctx ends, and then end the stream.
func (s ffmpegStream) run(ctx context.Context, on stage) error {
	if ctx.Err() != nil {
		return nil // the encoder is away
	}
	var complaints tail
	cmd := exec.CommandContext(ctx, s.program, s.arguments(on.stream(), time.Now())...)
	cmd.Stderr = &complaints
	cmd.WaitDelay = ffmpegEnd
	cmd.Cancel = func() error {
		on.encoder.attach(nil)
		return errors.Join(suspend(cmd.Process, false), interrupt(cmd.Process))
	}
	setApart(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	on.encoder.attach(func(standing bool) { _ = suspend(cmd.Process, standing) }) // it may just have ended
	defer on.encoder.attach(nil)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(ffmpegLook)
	defer look.Stop()
	known := map[string]bool{}
	for {
		select {
		case <-look.C:
			if err := s.report(on, known); err != nil {
				return errors.Join(err, cmd.Process.Kill(), <-ended)
			}
		case err := <-ended:
			if ctx.Err() != nil { // its exit code tells of the signal
				return s.report(on, known)
			}
			return fmt.Errorf("%s ended by itself (%v): %s", s.program, err, complaints.text)
		}
	}
}

// report reports the chunks that are new, and adds them to those that are known. ffmpeg gives a chunk
// its name when the chunk is closed.
func (s ffmpegStream) report(on stage, known map[string]bool) error {
	entries, err := os.ReadDir(on.stream())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ffmpegChunk) && !known[name] {
			known[name] = true
			on.closes(filepath.Join(on.stream(), name))
		}
	}
	return nil
}

// A tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 2048
	t.text = append(t.text, p...)
	t.text = bytes.Clone(t.text[max(0, len(t.text)-most):])
	return len(p), nil
}
