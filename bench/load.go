package main

import (
	"cmp"
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
	places  string // of the streams' directories, below the root; empty: those that are measured
	writer  string // ems or ffmpeg
	streams int
	size    int64         // bytes of a chunk
	every   time.Duration // a chunk's time
	writes  int           // write(2) calls for a chunk
	batches int           // in how many bursts they come
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
func (l load) dirOf(stream int) string { return fmt.Sprintf(cmp.Or(l.places, "group%d/live"), stream) }

// closing notes that a chunk is about to be closed.
func (l load) closing(a *account, stream int, name string, content sum) {
	a.closing(chunk{key: path.Join(l.dirOf(stream), name), stream: stream, size: l.size, content: content,
		aside: l.places != ""})
}

// begin makes the directory of a stream, and returns its writer.
func (l load) begin(root string, stream int) (streamWriter, error) {
	dir := filepath.Join(root, l.dirOf(stream))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	w := l.newWriter(dir)
	return w, w.start()
}

// written writes streams of so many equal chunks at once. They end with these if isOver, and can go
// on with the writers that it returns if not.
func (l load) written(root string, a *account, chunks int, isOver bool) (writers []streamWriter, err error) {
	noise := make([]byte, l.size)
	for i := range l.streams {
		w, err := l.begin(root, i)
		if err != nil {
			return nil, err
		}
		closing := func(name string) { l.closing(a, i, name, sumOfParts(noise)) }
		for n := range chunks {
			if err := w.write(noise); err != nil {
				return nil, err
			}
			step := w.next
			if isOver && n == chunks-1 {
				step = w.end
			}
			if err := step(closing); err != nil {
				return nil, err
			}
		}
		writers = append(writers, w)
	}
	return writers, nil
}

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

// run writes all streams below root until stop is closed, and returns then. Streams that were begun
// go on with their writers. What it notes in a has keys without a prefix.
func (l load) run(root string, a *account, stop <-chan struct{}, writers []streamWriter) error {
	noise := make([]byte, l.size)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(noise)
	var all sync.WaitGroup
	failed := make(chan error, l.streams)
	began := time.Now()
	for i := range l.streams {
		all.Go(func() {
			phase := l.every * time.Duration(i) / time.Duration(l.streams)
			var w streamWriter
			if writers != nil {
				w = writers[i]
			}
			if err := l.stream(root, i, w, noise, began.Add(phase), a, stop); err != nil {
				failed <- fmt.Errorf("write %s: %w", l.dirOf(i), err)
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
func (l load) stream(root string, i int, w streamWriter, noise []byte, began time.Time, a *account,
	stop <-chan struct{}) (err error) {
	if !sleepUntil(began, stop) {
		return nil
	}
	if w == nil {
		if w, err = l.begin(root, i); err != nil {
			return err
		}
	}
	s := source{noise: noise, stream: i}
	for n := 1; ; n++ {
		head, rest := s.chunk(l.size)
		content := sumOfParts(head, rest)
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
		closing := func(name string) { l.closing(a, i, name, content) }
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
