package main

import (
	"fmt"
	"path/filepath"
	"time"

	"ems-sidecar/internal/emswriter"
)

// A pace is how fast, and how much, an encoder writes.
type pace struct {
	chunk   time.Duration // that a chunk lasts
	frame   time.Duration // between two writes
	video   int           // bytes of a chunk
	audio   int
	stale   int  // chunks that are kept behind the rolling manifest; 0: as many as are in it
	rolling bool // all streams
}

// An encoder of 600 kbit/s of video.
var livePace = pace{chunk: 2 * time.Second, frame: 100 * time.Millisecond, video: 150_000, audio: 90_000}

// MSS chunks that never get their look-ahead are uploaded after so long.
const mssPatience = time.Minute

// An encoder plays a run of a stream until it is over, and remembers what it wrote.
type encoder interface {
	play(run int, over func() bool) error
	directory() string // below the root
	manifests() []string
}

// after returns what says whether so much time is over.
func after(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().After(end) }
}

// frames returns of how many writes a chunk is made.
func (p pace) frames() int { return int(p.chunk / p.frame) }

// each calls write once for each frame of a chunk, in real time.
func (p pace) each(tick *time.Ticker, write func() error) error {
	for range p.frames() {
		<-tick.C
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

type hlsEncoder struct {
	emswriter.HLS
	pace    pace
	archive *archive
}

func (e *hlsEncoder) directory() string { return e.archive.key(e.Dir) }
func (e *hlsEncoder) manifests() []string {
	return []string{e.Playlist(), filepath.Join(filepath.Dir(e.Dir), "playlist.m3u8")}
}

func (e *hlsEncoder) play(run int, over func() bool) error {
	if err := emswriter.Master(filepath.Dir(e.Dir), emswriter.Variant{Stream: filepath.Base(e.Dir)}); err != nil {
		return err
	}
	if err := e.Start(); err != nil {
		return err
	}
	tick := time.NewTicker(e.pace.frame)
	defer tick.Stop()
	for n := 1; ; n++ {
		content := emswriter.Content(e.pace.video/188*188, fmt.Sprintf("%s run %d chunk %d", e.directory(), run, n))
		e.archive.chunk(e.Chunk(), run, content)
		left := content
		step := len(content) / e.pace.frames() / 188 * 188
		if err := e.pace.each(tick, func() error {
			w := left[:step]
			left = left[step:]
			_, err := e.Write(w)
			return err
		}); err != nil {
			return err
		}
		if _, err := e.Write(left); err != nil {
			return err
		}
		if over() {
			if err := e.End(e.pace.chunk); err != nil {
				return err
			}
			e.archive.whole(0, e.Chunk())
			return e.archive.manifest(run, e.manifests()...)
		}
		ended := e.Chunk()
		if err := e.Next(e.pace.chunk); err != nil {
			return err
		}
		e.archive.whole(0, ended)
		if err := e.archive.manifest(run, e.manifests()...); err != nil {
			return err
		}
	}
}

type hdsEncoder struct {
	emswriter.HDS
	pace    pace
	archive *archive
}

func (e *hdsEncoder) directory() string { return e.archive.key(e.Dir) }

func (e *hdsEncoder) manifests() []string {
	group := filepath.Dir(e.Dir)
	return []string{e.Bootstrap(), filepath.Join(e.Dir, filepath.Base(e.Dir)+".f4m"),
		filepath.Join(group, "manifest.f4m"), filepath.Join(group, "manifest_v1.f4m")}
}

func (e *hdsEncoder) play(run int, over func() bool) error {
	if err := e.Start(); err != nil {
		return err
	}
	// Not the bootstrap, which may be there from the run before.
	if err := e.archive.manifest(run, e.manifests()[1:]...); err != nil {
		return err
	}
	tick := time.NewTicker(e.pace.frame)
	defer tick.Stop()
	next := e.First
	for n := 1; ; n++ {
		// Each run's fragments differ in size, too.
		content := emswriter.Content(e.pace.video+n+1000*run, fmt.Sprintf("%s run %d fragment %d", e.directory(), run, n))
		if err := next(content); err != nil {
			return err
		}
		if n > 1 {
			if err := e.archive.manifest(run, e.manifests()...); err != nil {
				return err
			}
		}
		e.archive.chunk(e.Chunk(), run, content)
		if err := e.pace.each(tick, func() error { return e.Write(e.pace.video / e.pace.frames()) }); err != nil {
			return err
		}
		lasts := e.pace.chunk + time.Duration(n%7+10*run)*time.Millisecond // so that no two bootstraps are alike
		if over() {
			if err := e.End(lasts); err != nil {
				return err
			}
			e.archive.whole(0, e.Chunk())
			return e.archive.manifest(run, e.manifests()...)
		}
		next = func(content []byte) error {
			ended := e.Chunk()
			err := e.Next(lasts, content)
			e.archive.whole(0, ended)
			return err
		}
	}
}

type dashEncoder struct {
	emswriter.DASH
	pace    pace
	archive *archive
}

func (e *dashEncoder) directory() string   { return e.archive.key(e.Dir) }
func (e *dashEncoder) manifests() []string { return []string{e.Manifest()} }

func (e *dashEncoder) play(run int, over func() bool) error {
	e.VideoInit = emswriter.Content(681, fmt.Sprintf("%s run %d video init", e.directory(), run))
	e.AudioInit = emswriter.Content(600, fmt.Sprintf("%s run %d audio init", e.directory(), run))
	for track, init := range map[string][]byte{"video": e.VideoInit, "audio": e.AudioInit} {
		e.archive.chunk(filepath.Join(e.Dir, track, "198000", "seg_init.mp4"), run, init)
	}
	if err := e.Start(); err != nil {
		return err
	}
	e.archive.whole(0, e.VideoSegment(), e.AudioSegment())
	contents := func(n int) (video, audio []byte) {
		return emswriter.Content(e.pace.video+n+1000*run, fmt.Sprintf("%s run %d video %d", e.directory(), run, n)),
			emswriter.Content(e.pace.audio+n+1000*run, fmt.Sprintf("%s run %d audio %d", e.directory(), run, n))
	}
	tick := time.NewTicker(e.pace.frame)
	defer tick.Stop()
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
		if err := e.pace.each(tick, func() error {
			if err := e.WriteVideo(e.pace.video / e.pace.frames() / 2); err != nil {
				return err
			}
			return e.WriteAudio(e.pace.audio / e.pace.frames() / 4)
		}); err != nil {
			return err
		}
		endedVideo, endedAudio := e.VideoChunk(), e.AudioChunk()
		audioLasts := e.pace.chunk + 17*time.Millisecond
		if over() {
			if err := e.End(e.pace.chunk, audioLasts); err != nil {
				return err
			}
			e.archive.whole(0, endedVideo, endedAudio)
			return e.archive.manifest(run, e.Manifest())
		}
		video, audio = contents(n)
		if err := e.NextVideo(e.pace.chunk, video); err != nil {
			return err
		}
		e.archive.whole(0, endedVideo)
		<-tick.C
		if err := e.NextAudio(audioLasts, audio); err != nil {
			return err
		}
		e.archive.whole(0, endedAudio)
	}
}

type mssEncoder struct {
	emswriter.MSS
	pace    pace
	archive *archive
}

func (e *mssEncoder) directory() string   { return e.archive.key(e.Dir) }
func (e *mssEncoder) manifests() []string { return []string{e.Manifest()} }

func (e *mssEncoder) play(run int, over func() bool) error {
	if err := e.Start(); err != nil {
		return err
	}
	contents := func(n int) (video, audio []byte) {
		return emswriter.Content(e.pace.video, fmt.Sprintf("%s run %d video %d", e.directory(), run, n)),
			emswriter.Content(e.pace.audio, fmt.Sprintf("%s run %d audio %d", e.directory(), run, n))
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
	tick := time.NewTicker(e.pace.frame)
	defer tick.Stop()
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
		if err := e.pace.each(tick, func() error {
			if err := e.WriteVideo(e.pace.video / e.pace.frames() / 2); err != nil {
				return err
			}
			return e.WriteAudio(e.pace.audio / e.pace.frames() / 4)
		}); err != nil {
			return err
		}
		if over() {
			if err := e.End(e.pace.chunk); err != nil {
				return err
			}
			complete()
			for _, o := range newest {
				e.archive.chunk(o.file, run, emswriter.WithoutLookAhead(o.content, o.video))
				e.archive.whole(mssPatience, o.file)
			}
			return e.archive.manifest(run, e.Manifest())
		}
		video, audio = contents(n)
		if err := e.Next(e.pace.chunk, video, audio); err != nil {
			return err
		}
		complete()
	}
}

// encoders returns one for each of n streams, with all formats in turn. Each is in a group of its own.
func encoders(a *archive, n int, p pace) []encoder {
	var all []encoder
	for i := range n {
		dir := func(format string) string { return filepath.Join(a.root, fmt.Sprintf("%s%d", format, i), "live") }
		appending, cleanup := i/4%2 == 1 && !p.rolling, i/8%2 == 1
		switch i % 4 {
		case 0:
			all = append(all, &hlsEncoder{emswriter.HLS{Dir: dir("hls"), Appending: appending, Cleanup: cleanup, Stale: p.stale, Target: p.chunk}, p, a})
		case 1:
			all = append(all, &hdsEncoder{emswriter.HDS{Dir: dir("hds"), Appending: appending, Cleanup: cleanup, Stale: p.stale}, p, a})
		case 2:
			all = append(all, &dashEncoder{emswriter.DASH{Dir: dir("dash"), Appending: appending, Cleanup: cleanup, Stale: p.stale}, p, a})
		case 3:
			all = append(all, &mssEncoder{emswriter.MSS{Dir: dir("mss"), Appending: appending, Stale: p.stale}, p, a})
		}
	}
	return all
}
