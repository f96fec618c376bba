package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/internal/emswriter"
)

// An emsWriter writes as EMS does: it is compared with traces of EMS.
type emsWriter struct {
	hls   emswriter.HLS
	every time.Duration
}

func newEMSWriter(dir string, every time.Duration, writeSize int) *emsWriter {
	return &emsWriter{emswriter.HLS{Dir: dir, Target: every, WriteSize: writeSize}, every}
}

func (w *emsWriter) start() error { return w.hls.Start() }

func (w *emsWriter) write(p []byte) error {
	_, err := w.hls.Write(p)
	return err
}

func (w *emsWriter) next(closing func(string)) error {
	closing(filepath.Base(w.hls.Chunk()))
	return w.hls.Next(w.every)
}

func (w *emsWriter) end(closing func(string)) error {
	closing(filepath.Base(w.hls.Chunk()))
	return w.hls.End(w.every)
}

// An ffmpegWriter writes as ffmpeg's HLS muxer does with -hls_flags delete_segments: blocks of 32
// kB, the playlist after the chunk, into a temporary file that gets the name of the playlist.
type ffmpegWriter struct {
	dir    string
	every  time.Duration
	number int
	open   *os.File
	full   []byte // what is not written yet
}

const (
	ffmpegBlock = 32 << 10 // bytes of a write(2): avio's buffer
	ffmpegList  = 5        // chunks in the playlist
)

func (w *ffmpegWriter) name(number int) string { return fmt.Sprintf("live%d.ts", number) }

func (w *ffmpegWriter) start() error {
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return err
	}
	return w.create()
}

func (w *ffmpegWriter) create() (err error) {
	w.open, err = os.Create(filepath.Join(w.dir, w.name(w.number)))
	return err
}

func (w *ffmpegWriter) write(p []byte) error {
	w.full = append(w.full, p...)
	for len(w.full) >= ffmpegBlock {
		if _, err := w.open.Write(w.full[:ffmpegBlock]); err != nil {
			return err
		}
		w.full = w.full[:copy(w.full, w.full[ffmpegBlock:])]
	}
	return nil
}

func (w *ffmpegWriter) next(closing func(string)) error {
	if err := w.finish(closing, ""); err != nil {
		return err
	}
	w.number++
	return w.create()
}

func (w *ffmpegWriter) end(closing func(string)) error { return w.finish(closing, "#EXT-X-ENDLIST\n") }

func (w *ffmpegWriter) finish(closing func(string), tail string) error {
	_, err := w.open.Write(w.full)
	w.full = w.full[:0]
	closing(w.name(w.number))
	if err := cmp.Or(err, w.open.Close()); err != nil {
		return err
	}
	first := max(0, w.number-ffmpegList+1)
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n",
		int(math.Ceil(w.every.Seconds())), first)
	for n := first; n <= w.number; n++ {
		fmt.Fprintf(&b, "#EXTINF:%.6f,\n%s\n", w.every.Seconds(), w.name(n))
	}
	b.WriteString(tail)
	playlist := filepath.Join(w.dir, "live.m3u8")
	if err := os.WriteFile(playlist+".tmp", []byte(b.String()), 0o644); err != nil {
		return err
	}
	if err := os.Rename(playlist+".tmp", playlist); err != nil {
		return err
	}
	if old := first - 2; old >= 0 {
		return os.Remove(filepath.Join(w.dir, w.name(old)))
	}
	return nil
}
