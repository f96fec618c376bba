package e2e

import (
	"fmt"
	"path/filepath"
	"time"

	"ems-sidecar/internal/emswriter"
)

type dashEncoder struct {
	emswriter.DASH
	pace    Pace
	archive *Archive
}

func (e *dashEncoder) Directory() string   { return e.archive.Key(e.Dir) }
func (e *dashEncoder) Manifests() []string { return []string{e.Manifest()} }

func (e *dashEncoder) Play(run int, over func() bool) error {
	e.VideoInit = emswriter.Content(681, fmt.Sprintf("%s run %d video init", e.Directory(), run))
	e.AudioInit = emswriter.Content(600, fmt.Sprintf("%s run %d audio init", e.Directory(), run))
	for track, init := range map[string][]byte{"video": e.VideoInit, "audio": e.AudioInit} {
		e.archive.chunk(filepath.Join(e.Dir, track, "198000", "seg_init.mp4"), run, init)
	}
	if err := e.Start(); err != nil {
		return err
	}
	e.archive.whole(0, e.VideoSegment(), e.AudioSegment())
	contents := func(n int) (video, audio []byte) {
		return emswriter.Content(e.pace.Video+n+1000*run, fmt.Sprintf("%s run %d video %d", e.Directory(), run, n)),
			emswriter.Content(e.pace.Audio+n+1000*run, fmt.Sprintf("%s run %d audio %d", e.Directory(), run, n))
	}
	frame := Patient.Beat(e.pace.Frame)
	video, audio := contents(1)
	if err := e.First(video, audio); err != nil {
		return err
	}
	for n := 2; ; n++ {
		e.archive.chunk(e.VideoChunk(), run, video)
		e.archive.chunk(e.AudioChunk(), run, audio)
		if err := e.archive.manifest(run, e.Manifest()); err != nil {
			return err
		}
		if err := e.pace.each(frame, func() error {
			if err := e.WriteVideo(e.pace.Video / e.pace.frames() / 2); err != nil {
				return err
			}
			return e.WriteAudio(e.pace.Audio / e.pace.frames() / 4)
		}); err != nil {
			return err
		}
		endedVideo, endedAudio := e.VideoChunk(), e.AudioChunk()
		audioLasts := e.pace.Chunk + 17*time.Millisecond
		if over() {
			if err := e.End(e.pace.Chunk, audioLasts); err != nil {
				return err
			}
			e.archive.whole(0, endedVideo, endedAudio)
			return e.archive.manifest(run, e.Manifest())
		}
		video, audio = contents(n)
		if err := e.NextVideo(e.pace.Chunk, video); err != nil {
			return err
		}
		e.archive.whole(0, endedVideo)
		frame()
		if err := e.NextAudio(audioLasts, audio); err != nil {
			return err
		}
		e.archive.whole(0, endedAudio)
	}
}

type mssEncoder struct {
	emswriter.MSS
	pace    Pace
	archive *Archive
}

func (e *mssEncoder) Directory() string   { return e.archive.Key(e.Dir) }
func (e *mssEncoder) Manifests() []string { return []string{e.Manifest()} }

func (e *mssEncoder) Play(run int, over func() bool) error {
	if err := e.Start(); err != nil {
		return err
	}
	contents := func(n int) (video, audio []byte) {
		return emswriter.Content(e.pace.Video, fmt.Sprintf("%s run %d video %d", e.Directory(), run, n)),
			emswriter.Content(e.pace.Audio, fmt.Sprintf("%s run %d audio %d", e.Directory(), run, n))
	}
	type open struct {
		file    string
		content []byte
		video   bool
	}
	var newest []open // that have no look-ahead: those of the last two chunks never get it
	complete := func() {
		if len(newest) == 6 {
			e.archive.whole(0, newest[0].file, newest[1].file)
			newest = newest[2:]
		}
	}
	frame := Patient.Beat(e.pace.Frame)
	video, audio := contents(1)
	if err := e.First(video, audio); err != nil {
		return err
	}
	for n := 2; ; n++ {
		newest = append(newest, open{e.VideoChunk(), video, true}, open{e.AudioChunk(), audio, false})
		e.archive.chunk(e.VideoChunk(), run, video)
		e.archive.chunk(e.AudioChunk(), run, audio)
		if err := e.archive.manifest(run, e.Manifest()); err != nil {
			return err
		}
		if err := e.pace.each(frame, func() error {
			if err := e.WriteVideo(e.pace.Video / e.pace.frames() / 2); err != nil {
				return err
			}
			return e.WriteAudio(e.pace.Audio / e.pace.frames() / 4)
		}); err != nil {
			return err
		}
		if over() {
			if err := e.End(e.pace.Chunk); err != nil {
				return err
			}
			complete()
			for _, o := range newest {
				e.archive.chunk(o.file, run, emswriter.WithoutLookAhead(o.content, o.video))
				e.archive.whole(MssPatience, o.file)
			}
			return e.archive.manifest(run, e.Manifest())
		}
		video, audio = contents(n)
		if err := e.Next(e.pace.Chunk, video, audio); err != nil {
			return err
		}
		complete()
	}
}
