package e2e

import (
	"fmt"
	"path/filepath"
	"time"

	"ems-sidecar/internal/emswriter"
)

// A Pace is how fast, and how much, an encoder writes. Its times are by the patient clock: on a
// busy machine, a stream goes slower. In real time, chunks would be deleted there before a daemon
// without a processor could see them, and requests would pile up.
type Pace struct {
	Chunk   time.Duration // that a chunk lasts
	Frame   time.Duration // between two writes
	Video   int           // bytes of a chunk
	Audio   int
	Stale   int  // chunks that are kept behind the rolling manifest; 0: as many as are in it
	Rolling bool // all streams
}

// LivePace is that of an encoder of 600 kbit/s of video.
var LivePace = Pace{Chunk: 2 * time.Second, Frame: 100 * time.Millisecond, Video: 150_000, Audio: 90_000}

// MssPatience is after how long MSS chunks are uploaded that never get their look-ahead.
const MssPatience = time.Minute

// An Encoder plays a run of a stream until it is over, and remembers what it wrote.
type Encoder interface {
	Play(run int, over func() bool) error
	Directory() string // below the root
	Manifests() []string
}

// frames returns of how many writes a chunk is made.
func (p Pace) frames() int { return int(p.Chunk / p.Frame) }

// each calls write once for each frame of a chunk.
func (p Pace) each(next func(), write func() error) error {
	for range p.frames() {
		next()
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

type hlsEncoder struct {
	emswriter.HLS
	pace    Pace
	archive *Archive
}

func (e *hlsEncoder) Directory() string { return e.archive.Key(e.Dir) }
func (e *hlsEncoder) Manifests() []string {
	return []string{e.Playlist(), filepath.Join(filepath.Dir(e.Dir), "playlist.m3u8")}
}

func (e *hlsEncoder) Play(run int, over func() bool) error {
	if err := emswriter.Master(filepath.Dir(e.Dir), emswriter.Variant{Stream: filepath.Base(e.Dir)}); err != nil {
		return err
	}
	if err := e.Start(); err != nil {
		return err
	}
	frame := Patient.Beat(e.pace.Frame)
	for n := 1; ; n++ {
		content := emswriter.Content(e.pace.Video/188*188, fmt.Sprintf("%s run %d chunk %d", e.Directory(), run, n))
		e.archive.chunk(e.Chunk(), run, content)
		left := content
		step := len(content) / e.pace.frames() / 188 * 188
		if err := e.pace.each(frame, func() error {
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
			if err := e.End(e.pace.Chunk); err != nil {
				return err
			}
			e.archive.whole(0, e.Chunk())
			return e.archive.manifest(run, e.Manifests()...)
		}
		ended := e.Chunk()
		if err := e.Next(e.pace.Chunk); err != nil {
			return err
		}
		e.archive.whole(0, ended)
		if err := e.archive.manifest(run, e.Manifests()...); err != nil {
			return err
		}
	}
}

type hdsEncoder struct {
	emswriter.HDS
	pace    Pace
	archive *Archive
}

func (e *hdsEncoder) Directory() string { return e.archive.Key(e.Dir) }

func (e *hdsEncoder) Manifests() []string {
	group := filepath.Dir(e.Dir)
	return []string{e.Bootstrap(), filepath.Join(e.Dir, filepath.Base(e.Dir)+".f4m"),
		filepath.Join(group, "manifest.f4m"), filepath.Join(group, "manifest_v1.f4m")}
}

func (e *hdsEncoder) Play(run int, over func() bool) error {
	if err := e.Start(); err != nil {
		return err
	}
	// Not the bootstrap, which may be there from the run before.
	if err := e.archive.manifest(run, e.Manifests()[1:]...); err != nil {
		return err
	}
	frame := Patient.Beat(e.pace.Frame)
	next := e.First
	for n := 1; ; n++ {
		// Each run's fragments differ in size, too.
		content := emswriter.Content(e.pace.Video+n+1000*run, fmt.Sprintf("%s run %d fragment %d", e.Directory(), run, n))
		if err := next(content); err != nil {
			return err
		}
		if n > 1 {
			if err := e.archive.manifest(run, e.Manifests()...); err != nil {
				return err
			}
		}
		e.archive.chunk(e.Chunk(), run, content)
		if err := e.pace.each(frame, func() error { return e.Write(e.pace.Video / e.pace.frames()) }); err != nil {
			return err
		}
		lasts := e.pace.Chunk + time.Duration(n%7+10*run)*time.Millisecond // so that no two bootstraps are alike
		if over() {
			if err := e.End(lasts); err != nil {
				return err
			}
			e.archive.whole(0, e.Chunk())
			return e.archive.manifest(run, e.Manifests()...)
		}
		next = func(content []byte) error {
			ended := e.Chunk()
			err := e.Next(lasts, content)
			e.archive.whole(0, ended)
			return err
		}
	}
}

// Encoders returns one for each of n streams, with all formats in turn. Each is in a group of its
// own.
func Encoders(a *Archive, n int, p Pace) []Encoder {
	var all []Encoder
	for i := range n {
		dir := func(format string) string { return filepath.Join(a.root, fmt.Sprintf("%s%d", format, i), "live") }
		appending, cleanup := i/4%2 == 1 && !p.Rolling, i/8%2 == 1
		switch i % 4 {
		case 0:
			all = append(all, &hlsEncoder{emswriter.HLS{Dir: dir("hls"), Appending: appending, Cleanup: cleanup,
				Stale: p.Stale, Target: p.Chunk}, p, a})
		case 1:
			all = append(all, &hdsEncoder{emswriter.HDS{Dir: dir("hds"), Appending: appending, Cleanup: cleanup,
				Stale: p.Stale}, p, a})
		case 2:
			all = append(all, &dashEncoder{emswriter.DASH{Dir: dir("dash"), Appending: appending, Cleanup: cleanup,
				Stale: p.Stale}, p, a})
		case 3:
			all = append(all, &mssEncoder{emswriter.MSS{Dir: dir("mss"), Appending: appending, Stale: p.Stale}, p, a})
		}
	}
	return all
}
