package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ems-sidecar/internal/emswriter"
)

// An archive remembers what encoders wrote.
type archive struct {
	root string

	mu        sync.Mutex                // guards what follows
	chunks    map[string][]content      // by path, one for each run that used the name
	manifests map[[sha256.Size]byte]int // the run by content; of two versions within a millisecond, only the second
}

// A content is the final one of a chunk in one run of its stream.
type content struct {
	run int
	sum [sha256.Size]byte
}

func newArchive(root string) *archive {
	return &archive{root: root, chunks: map[string][]content{}, manifests: map[[sha256.Size]byte]int{}}
}

// chunk remembers the content of the file in this run, instead of what it was said to be before.
func (a *archive) chunk(file string, run int, b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key, v := a.key(file), content{run, sha256.Sum256(b)}
	for i, old := range a.chunks[key] {
		if old.run == run {
			a.chunks[key][i] = v
			return
		}
	}
	a.chunks[key] = append(a.chunks[key], v)
}

// manifest remembers that the file as it is now belongs to the run.
func (a *archive) manifest(run int, files ...string) error {
	for _, file := range files {
		b, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		a.mu.Lock()
		a.manifests[sha256.Sum256(b)] = run
		a.mu.Unlock()
	}
	return nil
}

// runs returns in which runs the content was one of the chunk; none if it never was, as a whole.
func (a *archive) runs(key string, content []byte) (runs []int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sum := sha256.Sum256(content)
	for _, v := range a.chunks[key] {
		if v.sum == sum {
			runs = append(runs, v.run)
		}
	}
	return runs
}

// runOf returns the run to which a manifest belongs, if that is known.
func (a *archive) runOf(content []byte) (run int, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	run, known = a.manifests[sha256.Sum256(content)]
	return run, known
}

func (a *archive) key(file string) string {
	rel, err := filepath.Rel(a.root, file)
	if err != nil {
		panic(err)
	}
	return filepath.ToSlash(rel)
}

const (
	chunkDuration = 2 * time.Second
	frameTime     = 100 * time.Millisecond
	chunkSize     = 150_000 // of video: 600 kbit/s
	audioSize     = 90_000
)

// An encoder plays one run of a stream until its time is over, and remembers what it wrote.
type encoder interface {
	play(run int, d time.Duration) error
	directory() string // below the root
	manifests() []string
}

// frames calls write once for each frame of a chunk, in real time.
func frames(tick *time.Ticker, write func() error) error {
	for range chunkDuration / frameTime {
		<-tick.C
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

type hlsEncoder struct {
	emswriter.HLS
	archive *archive
}

func (e *hlsEncoder) directory() string { return e.archive.key(e.Dir) }
func (e *hlsEncoder) manifests() []string {
	return []string{e.Playlist(), filepath.Join(filepath.Dir(e.Dir), "playlist.m3u8")}
}

func (e *hlsEncoder) play(run int, d time.Duration) error {
	if err := emswriter.Master(filepath.Dir(e.Dir), emswriter.Variant{Stream: filepath.Base(e.Dir)}); err != nil {
		return err
	}
	if err := e.Start(); err != nil {
		return err
	}
	tick, end := time.NewTicker(frameTime), time.Now().Add(d)
	defer tick.Stop()
	for n := 1; ; n++ {
		content := emswriter.Content(chunkSize/188*188, fmt.Sprintf("%s run %d chunk %d", e.directory(), run, n))
		e.archive.chunk(e.Chunk(), run, content)
		left := content
		step := len(content) / int(chunkDuration/frameTime) / 188 * 188
		if err := frames(tick, func() error {
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
		if time.Now().After(end) {
			if err := e.End(chunkDuration); err != nil {
				return err
			}
			return e.archive.manifest(run, e.manifests()...)
		}
		if err := e.Next(chunkDuration); err != nil {
			return err
		}
		if err := e.archive.manifest(run, e.manifests()...); err != nil {
			return err
		}
	}
}

type hdsEncoder struct {
	emswriter.HDS
	archive *archive
}

func (e *hdsEncoder) directory() string { return e.archive.key(e.Dir) }

func (e *hdsEncoder) manifests() []string {
	group := filepath.Dir(e.Dir)
	return []string{e.Bootstrap(), filepath.Join(e.Dir, filepath.Base(e.Dir)+".f4m"),
		filepath.Join(group, "manifest.f4m"), filepath.Join(group, "manifest_v1.f4m")}
}

func (e *hdsEncoder) play(run int, d time.Duration) error {
	if err := e.Start(); err != nil {
		return err
	}
	// Not the bootstrap, which may be there from the run before.
	if err := e.archive.manifest(run, e.manifests()[1:]...); err != nil {
		return err
	}
	tick, end := time.NewTicker(frameTime), time.Now().Add(d)
	defer tick.Stop()
	next := e.First
	for n := 1; ; n++ {
		// Each run's fragments differ in size, too.
		content := emswriter.Content(chunkSize+n+1000*run, fmt.Sprintf("%s run %d fragment %d", e.directory(), run, n))
		if err := next(content); err != nil {
			return err
		}
		if n > 1 {
			if err := e.archive.manifest(run, e.manifests()...); err != nil {
				return err
			}
		}
		e.archive.chunk(e.Chunk(), run, content)
		if err := frames(tick, func() error { return e.Write(chunkSize / 20) }); err != nil {
			return err
		}
		lasts := chunkDuration + time.Duration(n%7+10*run)*time.Millisecond // so that no two bootstraps are alike
		if time.Now().After(end) {
			if err := e.End(lasts); err != nil {
				return err
			}
			return e.archive.manifest(run, e.manifests()...)
		}
		next = func(content []byte) error { return e.Next(lasts, content) }
	}
}

type dashEncoder struct {
	emswriter.DASH
	archive *archive
}

func (e *dashEncoder) directory() string   { return e.archive.key(e.Dir) }
func (e *dashEncoder) manifests() []string { return []string{e.Manifest()} }

func (e *dashEncoder) play(run int, d time.Duration) error {
	e.VideoInit = emswriter.Content(681, fmt.Sprintf("%s run %d video init", e.directory(), run))
	e.AudioInit = emswriter.Content(600, fmt.Sprintf("%s run %d audio init", e.directory(), run))
	for track, init := range map[string][]byte{"video": e.VideoInit, "audio": e.AudioInit} {
		e.archive.chunk(filepath.Join(e.Dir, track, "198000", "seg_init.mp4"), run, init)
	}
	if err := e.Start(); err != nil {
		return err
	}
	contents := func(n int) (video, audio []byte) {
		return emswriter.Content(chunkSize+n+1000*run, fmt.Sprintf("%s run %d video %d", e.directory(), run, n)),
			emswriter.Content(audioSize+n+1000*run, fmt.Sprintf("%s run %d audio %d", e.directory(), run, n))
	}
	tick, end := time.NewTicker(frameTime), time.Now().Add(d)
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
		if err := frames(tick, func() error {
			if err := e.WriteVideo(chunkSize / 40); err != nil {
				return err
			}
			return e.WriteAudio(audioSize / 80)
		}); err != nil {
			return err
		}
		const audioLasts = chunkDuration + 17*time.Millisecond
		if time.Now().After(end) {
			if err := e.End(chunkDuration, audioLasts); err != nil {
				return err
			}
			return e.archive.manifest(run, e.Manifest())
		}
		video, audio = contents(n)
		if err := e.NextVideo(chunkDuration, video); err != nil {
			return err
		}
		<-tick.C
		if err := e.NextAudio(audioLasts, audio); err != nil {
			return err
		}
	}
}

type mssEncoder struct {
	emswriter.MSS
	archive *archive
}

func (e *mssEncoder) directory() string   { return e.archive.key(e.Dir) }
func (e *mssEncoder) manifests() []string { return []string{e.Manifest()} }

func (e *mssEncoder) play(run int, d time.Duration) error {
	if err := e.Start(); err != nil {
		return err
	}
	contents := func(n int) (video, audio []byte) {
		return emswriter.Content(chunkSize, fmt.Sprintf("%s run %d video %d", e.directory(), run, n)),
			emswriter.Content(audioSize, fmt.Sprintf("%s run %d audio %d", e.directory(), run, n))
	}
	type open struct {
		file    string
		content []byte
		video   bool
	}
	var newest []open // those of the last two chunks never get their look-ahead
	tick, end := time.NewTicker(frameTime), time.Now().Add(d)
	defer tick.Stop()
	video, audio := contents(1)
	if err := e.First(video, audio); err != nil {
		return err
	}
	for n := 2; ; n++ {
		newest = append(newest, open{e.VideoChunk(), video, true}, open{e.AudioChunk(), audio, false})
		newest = newest[max(0, len(newest)-4):]
		e.archive.chunk(e.VideoChunk(), run, video)
		e.archive.chunk(e.AudioChunk(), run, audio)
		if err := e.archive.manifest(run, e.Manifest()); err != nil {
			return err
		}
		if err := frames(tick, func() error {
			if err := e.WriteVideo(chunkSize / 40); err != nil {
				return err
			}
			return e.WriteAudio(audioSize / 80)
		}); err != nil {
			return err
		}
		if time.Now().After(end) {
			if err := e.End(chunkDuration); err != nil {
				return err
			}
			for _, o := range newest {
				e.archive.chunk(o.file, run, emswriter.WithoutLookAhead(o.content, o.video))
			}
			return e.archive.manifest(run, e.Manifest())
		}
		video, audio = contents(n)
		if err := e.Next(chunkDuration, video, audio); err != nil {
			return err
		}
	}
}

// encoders returns one for each of n streams, with all formats in turn. Each is in a group of its own.
func encoders(a *archive, n int) []encoder {
	var all []encoder
	for i := range n {
		dir := func(format string) string { return filepath.Join(a.root, fmt.Sprintf("%s%d", format, i), "live") }
		appending, cleanup := i/4%2 == 1, i/8%2 == 1
		switch i % 4 {
		case 0:
			all = append(all, &hlsEncoder{emswriter.HLS{Dir: dir("hls"), Appending: appending, Cleanup: cleanup, Target: chunkDuration}, a})
		case 1:
			all = append(all, &hdsEncoder{emswriter.HDS{Dir: dir("hds"), Appending: appending, Cleanup: cleanup}, a})
		case 2:
			all = append(all, &dashEncoder{emswriter.DASH{Dir: dir("dash"), Appending: appending, Cleanup: cleanup}, a})
		case 3:
			all = append(all, &mssEncoder{emswriter.MSS{Dir: dir("mss"), Appending: appending}, a})
		}
	}
	return all
}
