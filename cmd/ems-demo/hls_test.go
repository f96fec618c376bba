package main

import (
	"bytes"
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

func TestHLSKeepsPaceAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		segments, err := recordedSegments()
		if err != nil {
			t.Fatal(err)
		}
		recording, err := newTSLoop(segments)
		if err != nil {
			t.Fatal(err)
		}
		root := t.TempDir()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var closed []string
		result := make(chan error, 1)
		on := stage{root: root, speed: 1, encoder: newEncoder(), closing: func(key string) { closed = append(closed, key) }}
		s := hlsStream{recording}

		go func() { result <- s.play(ctx, on) }()
		time.Sleep(12*4*time.Second + 2*time.Second)
		synctest.Wait()

		if len(closed) != 12 {
			t.Fatalf("%d chunks in 50 s, want 12 of 4 s", len(closed))
		}
		open, err := os.Stat(filepath.Join(root, groupName, streamName, nameOf(closed[11], 13)))
		if err != nil {
			t.Fatal(err)
		}
		if whole := len(segments[2]); open.Size() < int64(whole)*45/100 || open.Size() > int64(whole)*55/100 {
			t.Errorf("after half of its time a chunk has %d of %d bytes", open.Size(), whole)
		}

		stop()
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(root, s.output().index))
		if err != nil {
			t.Fatal(err)
		}
		playlist, err := media.ParsePlaylist(text)
		if err != nil {
			t.Fatal(err)
		}
		if !playlist.Ended || playlist.Segments != 5 || playlist.Sequence != 9 {
			t.Errorf("the last playlist is not one of chunks 9 to 13 with an end:\n%s", text)
		}
		if n := strings.Count(string(text), "#EXTINF:4.000,"); n != 5 {
			t.Errorf("%d of 5 chunks last 4 s:\n%s", n, text)
		}
		// The recording has ten chunks: these lie across its seam.
		for i, reference := range slices.Collect(playlist.References()) {
			got, err := os.ReadFile(filepath.Join(root, groupName, streamName, reference.URI))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, recording.segment(8+i)) {
				t.Errorf("%s is not chunk %d of the stream", reference.URI, 9+i)
			}
			if !slices.Contains(closed, path.Join(groupName, streamName, reference.URI)) {
				t.Errorf("the closing of %s was not told", reference.URI)
			}
		}
		master, err := os.ReadFile(filepath.Join(root, s.output().entry))
		if err != nil {
			t.Fatal(err)
		}
		variants, err := media.ParsePlaylist(master)
		if names := slices.Collect(variants.References()); err != nil || !variants.Set || len(names) != 1 || names[0].URI != "live1/playlist.m3u8" {
			t.Errorf("the master playlist does not name the stream (%v):\n%s", err, master)
		}
	})
}

// nameOf returns the name of the chunk that has the number n in the run of key's chunk.
func nameOf(key string, n int) string {
	base := path.Base(key)
	return base[:strings.LastIndex(base, "_")+1] + strconv.Itoa(n) + ".ts"
}
