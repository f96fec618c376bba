package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	playlistKey = "demo/live1/playlist.m3u8"

	twoChunks = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:7\r\n" +
		"#EXTINF:4.000,\r\na_7.ts\r\n#EXTINF:4.000,\r\na_8.ts\r\n"
)

func newTestJournal(t *testing.T) (*journal, *store) {
	t.Helper()
	s, err := newStore(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return newJournal(s, allOutputs(t)), s
}

// read returns the states of HLS, HDS and DASH, and the last events.
func read(t *testing.T, j *journal) (hls, hds, dash status, recent []event) {
	t.Helper()
	all, recent, err := j.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1], all[2], recent
}

func TestJournalTellsHowFarTheBucketIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newTestJournal(t)

		j.closing("demo/live1/a_7.ts")
		time.Sleep(4 * time.Second)
		j.closing("demo/live1/a_8.ts")
		time.Sleep(30 * time.Millisecond)
		put(t, s, "demo/live1/a_7.ts", "1234")
		put(t, s, "demo/live1/a_8.ts", "12345")
		time.Sleep(20 * time.Millisecond)
		before, _, _, _ := read(t, j)
		put(t, s, playlistKey, twoChunks)
		after, hds, dash, recent := read(t, j)

		if want := (status{Format: "HLS", Written: 2, Waiting: 2, InBucket: 2, BytesInBucket: 9}); before != want {
			t.Errorf("before the playlist: %+v, want %+v", before, want)
		}
		want := status{Format: "HLS", Written: 2, InBucket: 2, BytesInBucket: 9, Listed: 2, First: 7, Newest: 8, LagMS: 50}
		if after != want {
			t.Errorf("after it: %+v, want %+v", after, want)
		}
		if hds != (status{Format: "HDS"}) || dash != (status{Format: "DASH"}) {
			t.Errorf("the other formats have moved: %+v, %+v", hds, dash)
		}
		if len(recent) != 3 || *recent[1].LagMS != 30 || recent[1].Bytes != 5 || recent[1].Manifest ||
			*recent[2].LagMS != 50 || !recent[2].Manifest || recent[2].Format != "HLS" {
			t.Errorf("events: %+v", recent)
		}
	})
}

func TestJournalTellsOfEachFormat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newTestJournal(t)
		const track = "demo/live1/video/198000/"

		j.closing("demo/live1/f4vSeg1-Frag2")
		j.closing(track + "segment_4000.m4s")
		time.Sleep(40 * time.Millisecond)
		for _, key := range []string{"demo/live1/f4vSeg1-Frag2", track + "seg_init.mp4", track + "segment_4000.m4s"} {
			put(t, s, key, "x")
		}
		put(t, s, "demo/live1/bootstrap", string(bootstrapBox(1, []hdsRun{{2, 5000, 4000}})))
		put(t, s, "demo/manifest.mpd", `<MPD type="dynamic"><Period><AdaptationSet><Representation id="v">
			<SegmentTemplate timescale="1000" initialization="live1/video/198000/seg_init.mp4" media="live1/video/198000/segment_$Time$.m4s">
			<SegmentTimeline><S t="4000" d="4000"/></SegmentTimeline>
			</SegmentTemplate></Representation></AdaptationSet></Period></MPD>`)

		_, hds, dash, recent := read(t, j)
		if want := (status{Format: "HDS", Written: 1, InBucket: 1, BytesInBucket: 1, Listed: 1, First: 2, Newest: 2, LagMS: 40}); hds != want {
			t.Errorf("%+v, want %+v", hds, want)
		}
		if want := (status{Format: "DASH", Written: 1, InBucket: 1, BytesInBucket: 1, Listed: 1, First: 4000, Newest: 4000, LagMS: 40}); dash != want {
			t.Errorf("%+v, want %+v", dash, want)
		}
		for i, format := range []string{"HDS", "DASH", "DASH", "HDS", "DASH"} {
			if recent[i].Format != format {
				t.Errorf("%s is an event of %s, want %s", recent[i].Key, recent[i].Format, format)
			}
		}
	})
}

func TestJournalCountsWhatAManifestNamesTooEarly(t *testing.T) {
	j, s := newTestJournal(t)

	put(t, s, "demo/live1/a_7.ts", "x")
	put(t, s, playlistKey, twoChunks)
	put(t, s, "demo/live1/bootstrap", string(bootstrapBox(2, []hdsRun{{1, 1124, 4000}, {2, 5124, 4000}})))

	hls, hds, dash, _ := read(t, j)
	if hls.Missing != 1 || hds.Missing != 2 || dash.Missing != 0 {
		t.Errorf("missing: %d of HLS, %d of HDS, %d of DASH; want 1 (a_8.ts), both fragments, none",
			hls.Missing, hds.Missing, dash.Missing)
	}
}

func TestJournalForgetsChunksOfSkippedPlaylists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newTestJournal(t)
		for _, name := range []string{"a_6.ts", "a_7.ts", "a_8.ts", "a_9.ts"} {
			j.closing("demo/live1/" + name)
			time.Sleep(4 * time.Second)
		}

		put(t, s, playlistKey, twoChunks)

		if now, _, _, _ := read(t, j); now.Waiting != 1 || now.LagMS != 8000 {
			t.Errorf("%d chunks wait, lag %d ms; want a_9.ts alone and 8000 ms", now.Waiting, now.LagMS)
		}
	})
}

func TestJournalPassesOverABrokenPlaylist(t *testing.T) {
	j, s := newTestJournal(t)

	put(t, s, playlistKey, twoChunks[:len(twoChunks)-4])

	if now, _, _, recent := read(t, j); now.Listed != 0 || len(recent) != 1 {
		t.Errorf("%+v, %+v", now, recent)
	}
}

func TestJournalIsBounded(t *testing.T) {
	j, s := newTestJournal(t)

	for range 9 * recentEvents {
		put(t, s, "demo/live1/a_7.ts", "x")
	}

	if _, _, _, recent := read(t, j); len(recent) != 3*recentEvents {
		t.Errorf("%d events are kept, want %d for each output", len(recent), recentEvents)
	}
}

func TestEndHasComeWhenTheBucketHasTheLastManifests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := newTestJournal(t)
		root := t.TempDir()
		for key, content := range map[string]string{"demo/playlist.m3u8": "set", playlistKey: twoChunks + "#EXT-X-ENDLIST\r\n", "demo/manifest.mpd": "another's"} {
			name := filepath.Join(root, key)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		manifests, err := j.outputs[0].manifests(root)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- j.awaitEnd(t.Context(), 0, manifests) }()

		put(t, s, "demo/playlist.m3u8", "set")
		put(t, s, playlistKey, twoChunks[:strings.LastIndex(twoChunks, "#EXTINF")])
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("it ended with %v while the last chunk was missing", err)
		default:
		}
		put(t, s, playlistKey, twoChunks) // the end may wait for the stream's return

		if err := <-ended; err != nil {
			t.Error(err)
		}
		if hls, hds, _, _ := read(t, j); !hls.Ended || hds.Ended {
			t.Errorf("HLS has ended: %v, HDS: %v", hls.Ended, hds.Ended)
		}
	})
}

func TestEndThatDoesNotComeIsAnError(t *testing.T) {
	j, _ := newTestJournal(t)
	late := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(late)

	err := j.awaitEnd(ctx, 0, map[string][]byte{playlistKey: []byte("x")})

	if !errors.Is(err, late) || !strings.Contains(err.Error(), playlistKey) {
		t.Errorf("error %v, want one about %s that is too late", err, playlistKey)
	}
}
