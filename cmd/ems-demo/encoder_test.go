package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// dropped plays the stream, has the encoder drop after 10 s, and returns its playlist at some times.
func dropped(t *testing.T, e *encoder, meanwhile func(), at ...time.Duration) (playlists []string) {
	t.Helper()
	s, err := newHLSStream()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	result := make(chan error, 1)
	on := stage{root: root, speed: 1, encoder: e, closing: func(string) {}}
	began := time.Now()
	go func() { result <- s.play(ctx, on) }()
	time.Sleep(10 * time.Second)
	e.setAway(true)
	meanwhile()
	for _, at := range at {
		time.Sleep(time.Until(began.Add(at)))
		synctest.Wait()
		text, err := os.ReadFile(filepath.Join(root, s.output().index))
		if err != nil {
			t.Fatal(err)
		}
		playlists = append(playlists, string(text))
	}
	stop()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	return playlists
}

// The stream ends, and begins again under new names, as EMS has it.
func TestEncoderThatDropsReturnsAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		playlists := dropped(t, newEncoder(), func() {}, 19*time.Second, 25*time.Second)

		end, err := media.ParsePlaylist([]byte(playlists[0]))
		if err != nil || !end.Ended || end.Last != 3 {
			t.Errorf("while it is away, the playlist is (%v)\n%s\nwant an end after chunk 3", err, playlists[0])
		}
		again, err := media.ParsePlaylist([]byte(playlists[1]))
		if err != nil || again.Ended || again.Sequence != 1 || again.Segments != 1 {
			t.Errorf("after its return, the playlist is (%v)\n%s\nwant chunk 1", err, playlists[1])
		}
		for name := range again.References() {
			if strings.Contains(playlists[0], name.URI) {
				t.Errorf("%s is a name of the former run", name.URI)
			}
		}
	})
}

func TestEncoderReturnsAtOnceByAnotherClick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEncoder()
		playlists := dropped(t, e, func() {
			time.Sleep(time.Second)
			e.setAway(false)
		}, 16*time.Second)

		again, err := media.ParsePlaylist([]byte(playlists[0]))
		if err != nil || again.Ended || again.Sequence != 1 || again.Segments != 1 {
			t.Errorf("5 s after its return, the playlist is (%v)\n%s\nwant chunk 1", err, playlists[0])
		}
	})
}

// Clicks may come faster than a stream ends.
func TestEncoderThatReturnedIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEncoder()
		sending, end := e.sending(t.Context())
		defer end()
		e.setAway(true)
		e.setAway(true)
		e.setAway(false)
		if sending.Err() == nil {
			t.Error("it still sends")
		}
		began := time.Now()
		e.awaitReturn(t.Context())
		if waited := time.Since(began); waited > 0 {
			t.Errorf("it was waited for %v", waited)
		}
	})
}

// A program that begins to send while the encoder stands still does not send either.
func TestProgramOfAnEncoderThatStandsStillStandsStill(t *testing.T) {
	e := newEncoder()
	var told []bool
	e.setStanding(true)
	e.attach(func(on bool) { told = append(told, on) })
	e.setStanding(false)
	e.attach(nil)
	e.setStanding(true)
	if !slices.Equal(told, []bool{true, false}) {
		t.Errorf("the program was told %v", told)
	}
}
