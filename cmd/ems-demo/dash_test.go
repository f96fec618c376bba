package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestDASHKeepsPaceAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := newTestDASHLoop(t)
		root := t.TempDir()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var closed []string
		result := make(chan error, 1)
		s := dashStream{r, l}

		go func() {
			result <- s.play(ctx, stage{root: root, speed: 1, closing: func(key string) { closed = append(closed, key) }})
		}()
		time.Sleep(time.Duration(l.audioTime(12)+2000) * time.Millisecond)
		synctest.Wait()

		if len(closed) != 2*12 {
			t.Fatalf("%d chunks are closed, want 12 of each track: %v", len(closed), closed)
		}
		for kind, c := range map[string]dashChunk{"video": l.videoChunk(12), "audio": l.audioChunk(12)} {
			open, err := os.Stat(filepath.Join(root, groupName, streamName, kind, dashBitrate, fmt.Sprintf("segment_%d.m4s", c.at)))
			if err != nil {
				t.Fatal(err)
			}
			head := int64(bytes.Index(c.content, []byte("mdat")) + 4)
			media := int64(len(c.content)) - head
			if got := open.Size() - head; got < media*40/100 || got > media*60/100 {
				t.Errorf("after half of its time the %s chunk has %d of %d bytes of media", kind, got, media)
			}
		}

		stop()
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		o := s.output()
		content, err := os.ReadFile(filepath.Join(root, o.index))
		if err != nil {
			t.Fatal(err)
		}
		m, err := o.parse(o.index, content)
		if err != nil {
			t.Fatal(err)
		}
		// EMS's manifest has no end.
		if m.Ended || m.Segments != 10 || m.Sequence != l.videoTime(8) || m.Last != l.audioTime(12) {
			t.Errorf("the last manifest is not one of the chunks 9 to 13:\n%s", content)
		}
		var want []dashChunk
		for n := 8; n < 13; n++ {
			want = append(want, l.videoChunk(n))
		}
		for n := 8; n < 13; n++ {
			want = append(want, l.audioChunk(n))
		}
		checked := 0
		for _, key := range named(o.index, m) {
			got, err := os.ReadFile(filepath.Join(root, key))
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(o.inits, key) {
				if !bytes.Equal(got, r.videoInit) && !bytes.Equal(got, r.audioInit) {
					t.Errorf("%s is not the recorded one", key)
				}
				continue
			}
			// The name tells the time that emswriter has given it.
			if !bytes.Equal(got, want[checked].content) {
				t.Errorf("%s does not have the chunk that begins at %d", key, want[checked].at)
			}
			if !slices.Contains(closed, key) {
				t.Errorf("the closing of %s was not told", key)
			}
			checked++
		}
		if checked != len(want) {
			t.Errorf("%d chunks are named, want %d", checked, len(want))
		}
	})
}
