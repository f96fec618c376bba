package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/internal/emswriter"
)

// An aside is what else there is beside the streams that are measured.
type aside struct {
	resting   int   // streams that ended before the tool starts
	restSize  int64 // bytes of their chunks
	old       int   // chunks of the measured streams that no playlist names, from before the tool starts
	known     bool  // the bucket has them
	large     int64 // bytes of a chunk of one more stream; 0: there is none
	children  int   // streams of one more group, with a master playlist
	slow      delay // of another bucket with as many streams; 0: there is none
	recording int64 // bytes of a recording that is there when the measuring begins; 0: there is none
}

const (
	largeEvery = 10 * time.Second
	// The children of a master playlist have chunks of childSize bytes, and it is written again each
	// masterEvery.
	childEvery  = 40 * time.Second
	childSize   = 1000
	masterEvery = 10 * time.Second
	oldSize     = 1000
	oldAge      = time.Hour
	// What the recording is called: its directory is below the root, and the section's prefix is its
	// name.
	recordings   = "recordings"
	recordedName = "show.ts"
)

func (a aside) rests() load {
	return load{places: "rest%d/live", writer: "ems", streams: a.resting, size: a.restSize, every: 2 * time.Second,
		writes: 1, batches: 1}
}

func (a aside) largeLoad() load {
	l := load{places: "large%d/live", writer: "ems", size: a.large, every: largeEvery,
		writes: int(max(1, a.large>>16)), batches: 50}
	if a.large > 0 {
		l.streams = 1
	}
	return l
}

func (a aside) childLoad() load {
	return load{places: "wide/child%d", writer: "ems", streams: a.children, size: childSize, every: childEvery,
		writes: 1, batches: 1}
}

// slowLoad is as l, but of another root and bucket.
func (a aside) slowLoad(l load) load {
	l.places = "slow%d/live"
	if a.slow.p50 == 0 {
		l.streams = 0
	}
	return l
}

// writeOld writes the chunks of earlier, over the directories of the load's streams.
func (a aside) writeOld(l load, root string, b *store) error {
	if a.old > 0 && l.streams == 0 {
		return errors.New("-old needs streams")
	}
	content, at := make([]byte, oldSize), time.Now().Add(-oldAge)
	o := object{size: oldSize, sum: sumOfParts(content), at: at.Add(time.Minute)}
	for i := range a.old {
		key := path.Join(l.dirOf(i%l.streams), fmt.Sprintf("segment_%d_%d.ts", at.UnixMilli(), i/l.streams+1))
		name := filepath.Join(root, key)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(name, at, at); err != nil {
			return err
		}
		b.account.closing(chunk{key: key, size: oldSize, content: o.sum, aside: true})
		if a.known {
			b.mu.Lock()
			b.objects.set(key, o)
			b.mu.Unlock()
		}
	}
	return nil
}

// writeRecording writes the recording where no tool looks. It has holes, but no two parts are alike.
func (a aside) writeRecording(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(a.recording); err != nil {
		return err
	}
	for at := int64(0); at+8 <= a.recording; at += 1 << 20 {
		if _, err := f.WriteAt(binary.BigEndian.AppendUint64(nil, uint64(at)), at); err != nil {
			return err
		}
	}
	return f.Close()
}

// writeMaster writes the master playlist of the children until stop is closed.
func (a aside) writeMaster(root string, stop <-chan struct{}) error {
	var variants []emswriter.Variant
	for i := range a.children {
		variants = append(variants, emswriter.Variant{Stream: fmt.Sprintf("child%d", i), Bandwidth: 100_000 + i})
	}
	for at := time.Now(); ; at = at.Add(masterEvery) {
		if err := emswriter.Master(filepath.Join(root, "wide"), variants...); err != nil {
			return err
		}
		if !sleepUntil(at.Add(masterEvery), stop) {
			return nil
		}
	}
}

// sections returns what the daemon's config has for it besides.
func (a aside) sections(s site) string {
	var b strings.Builder
	if a.slow.p50 > 0 {
		fmt.Fprintf(&b, "[HLS slow]\nendpoint = '%s'\nwatch_dir = '%s'\n", s.slowEndpoint, s.slowRoot)
	}
	if a.recording > 0 {
		fmt.Fprintf(&b, "[Recordings]\nprefix = '%s'\nwatch_dir = '%s'\n", recordings, filepath.Join(s.root, recordings))
	}
	return b.String()
}
