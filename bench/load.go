package main

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"
)

// A load is what is written: streams of equal chunks, whose phases are spread over a chunk's time.
type load struct {
	writer   string // ems or ffmpeg
	streams  int
	resting  int           // streams that ended before the tool starts
	size     int64         // bytes of a chunk
	every    time.Duration // a chunk's time
	writes   int           // write(2) calls for a chunk
	batches  int           // in how many bursts they come
	restSize int64
}

// A streamWriter writes one stream's directory as a server does. closing is called just before it
// closes a chunk, with the chunk's name.
type streamWriter interface {
	start() error
	write(p []byte) error
	next(closing func(name string)) error
	end(closing func(name string)) error
}

func (l load) newWriter(dir string) streamWriter {
	if l.writer == "ffmpeg" {
		return &ffmpegWriter{dir: dir, every: l.every}
	}
	return newEMSWriter(dir, l.every, l.writeSize())
}

func (l load) writeSize() int { return int((l.size + int64(l.writes) - 1) / int64(l.writes)) }

// dirOf returns the directory of a stream, below the root.
func dirOf(stream int) string { return fmt.Sprintf("group%d/live", stream) }

// A source is the content of one stream.
type source struct {
	noise  []byte // of all streams
	stream int
	number int
}

// chunk returns the next chunk: noise behind a head that no other chunk has.
func (s *source) chunk(size int64) (head, rest []byte) {
	s.number++
	head = make([]byte, 188)
	head[0] = 0x47
	binary.BigEndian.PutUint64(head[8:], uint64(s.stream))
	binary.BigEndian.PutUint64(head[16:], uint64(s.number))
	return head[:min(int64(len(head)), size)], s.noise[:max(0, size-int64(len(head)))]
}

// rest writes the streams that have ended, and notes their chunks in a.
func (l load) rest(root string, a *account) error {
	noise := make([]byte, l.restSize)
	content := sum(md5.Sum(noise))
	for i := range l.resting {
		dir := fmt.Sprintf("rest%d/live", i)
		closing := func(name string) { a.closing(path.Join(dir, name), l.streams+i, l.restSize, content) }
		w := l.newWriter(filepath.Join(root, dir))
		if err := w.start(); err != nil {
			return err
		}
		for n := range 5 {
			if err := w.write(noise); err != nil {
				return err
			}
			step := w.next
			if n == 4 {
				step = w.end
			}
			if err := step(closing); err != nil {
				return err
			}
		}
	}
	return nil
}

// run writes all streams below root until stop is closed, and returns then. What it notes in a has
// keys without a prefix.
func (l load) run(root string, a *account, stop <-chan struct{}) error {
	noise := make([]byte, l.size)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(noise)
	var all sync.WaitGroup
	failed := make(chan error, l.streams)
	began := time.Now()
	for i := range l.streams {
		all.Go(func() {
			phase := l.every * time.Duration(i) / time.Duration(l.streams)
			if err := l.stream(root, i, noise, began.Add(phase), a, stop); err != nil {
				failed <- fmt.Errorf("write %s: %w", dirOf(i), err)
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// stream writes one stream from began on.
func (l load) stream(root string, i int, noise []byte, began time.Time, a *account, stop <-chan struct{}) error {
	if !sleepUntil(began, stop) {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(root, dirOf(i)), 0o755); err != nil {
		return err
	}
	w := l.newWriter(filepath.Join(root, dirOf(i)))
	if err := w.start(); err != nil {
		return err
	}
	s := source{noise: noise, stream: i}
	for n := 1; ; n++ {
		head, rest := s.chunk(l.size)
		hash := md5.New()
		hash.Write(head)
		hash.Write(rest)
		content := sum(hash.Sum(nil))
		if err := w.write(head); err != nil {
			return err
		}
		at := began.Add(time.Duration(n-1) * l.every)
		for b := 1; b <= l.batches; b++ {
			sleepUntil(at.Add(l.every*time.Duration(b)/time.Duration(l.batches)), nil)
			from, to := len(rest)*(b-1)/l.batches, len(rest)*b/l.batches
			if err := w.write(rest[from:to]); err != nil {
				return err
			}
		}
		closing := func(name string) { a.closing(path.Join(dirOf(i), name), i, l.size, content) }
		select {
		case <-stop:
			return w.end(closing)
		default:
		}
		if err := w.next(closing); err != nil {
			return err
		}
	}
}

// sleepUntil returns false if stop is closed before that time.
func sleepUntil(at time.Time, stop <-chan struct{}) bool {
	select {
	case <-time.After(time.Until(at)):
		return true
	case <-stop:
		return false
	}
}
