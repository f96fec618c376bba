package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// changes collects the changes of all streams.
type changes struct {
	mu    sync.Mutex
	lines []string
}

func (c *changes) add(x Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf("%s %s: %v after %v", x.Format, x.Stream, x.To, x.Lasted.Round(time.Second)))
}

func (c *changes) take() (lines []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines, c.lines = c.lines, nil
	return lines
}

func (d *desk) wantState(stream string, want health.State, why string) {
	d.t.Helper()
	streams, ok := d.up.Streams(d.t.Context())
	if !ok {
		d.t.Fatal("the uploader has ended")
	}
	i := slices.IndexFunc(streams, func(s Stream) bool { return s.Stream == stream })
	if i < 0 {
		d.t.Fatalf("%s is not listed in %+v", stream, streams)
	}
	if s := streams[i]; s.State != want || !strings.Contains(s.Why, why) {
		d.t.Errorf("%s is %v, %q, want %v, %q", stream, s.State, s.Why, want, why)
	}
}

// An encoder that freezes is told from a bucket that is away, and the log says when either is over.
func TestStreamsAreLiveStalledFailingAndEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen changes
		d := newDesk(t, Settings{Changed: seen.add})
		var away atomic.Bool
		d.bucket.before = func(context.Context, string) error {
			if away.Load() {
				return errors.New("connection refused")
			}
			return nil
		}
		d.start()
		d.live("g/s", 1, 5, 4*time.Second)
		d.wantState("g/s", health.Live, "")

		time.Sleep(3 * time.Minute) // the encoder freezes
		d.wantState("g/s", health.Stalled, "no new chunk on the disk for 3m")
		d.live("g/s", 6, 10, 4*time.Second)
		d.wantState("g/s", health.Live, "")

		away.Store(true)
		d.live("g/s", 11, 18, 4*time.Second)
		d.wantState("g/s", health.Failing, "connection refused")
		away.Store(false)
		d.live("g/s", 19, 26, 4*time.Second)
		d.wantState("g/s", health.Live, "")

		d.close("g/s/playlist.m3u8", playlist(22, 26, "#EXT-X-ENDLIST"))
		time.Sleep(time.Second)
		d.wantState("g/s", health.Ended, "")
		time.Sleep(time.Hour)

		want := []string{"HLS g/s: live after 0s", "HLS g/s: stalled", "HLS g/s: live after", "HLS g/s: failing", "HLS g/s: live after", "HLS g/s: ended"}
		got := seen.take()
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("the changes are %q, want %q", got, want)
		}
		for _, line := range []string{"stream stalled", "stream resumed", "stream cannot be published", "stream is published again"} {
			if n := len(d.log.lines(slog.LevelWarn, line)); n != 1 {
				t.Errorf("%d lines say %q, want 1", n, line)
			}
		}
	})
}

// Where directories are scanned, closings are seen late and two at once. With chunks of a second, that
// must not look like an encoder that comes and goes.
func TestShortChunksThatAreSeenLateAreLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen changes
		d := newDesk(t, Settings{Changed: seen.add})
		d.start()
		d.src.Watched(t.Context(), nil, 3*time.Second)
		for n := 1; n < 200; n += 5 {
			for m := range 5 {
				d.close(fmt.Sprintf("g/s/%d.ts", n+m), "x")
			}
			d.close("g/s/playlist.m3u8", strings.ReplaceAll(playlist(n, n+4), "TARGETDURATION:4", "TARGETDURATION:1"))
			time.Sleep(5 * time.Second)
		}
		d.wantState("g/s", health.Live, "")
		if got := seen.take(); !slices.Equal(got, []string{"HLS g/s: live after 0s"}) {
			t.Errorf("the changes are %q, want that it goes live", got)
		}
		time.Sleep(5 * time.Second)
		d.wantState("g/s", health.Stalled, "came every 1s")
	})
}

// A directory of an earlier run is no reason to alarm anyone, with an end or without.
func TestOldStreamsAreEndedOrStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		old := time.Now().Add(-time.Hour)
		for _, dir := range []string{"g/ended", "g/stopped"} {
			d.write(dir+"/1.ts", "x")
			tail := []string{}
			if dir == "g/ended" {
				tail = append(tail, "#EXT-X-ENDLIST")
			}
			d.write(dir+"/playlist.m3u8", playlist(1, 1, tail...))
			for _, name := range []string{"1.ts", "playlist.m3u8"} {
				if err := os.Chtimes(filepath.Join(d.dir, dir, name), old, old); err != nil {
					t.Fatal(err)
				}
			}
		}
		d.start()
		for _, p := range []string{"g/ended/1.ts", "g/ended/playlist.m3u8", "g/stopped/1.ts", "g/stopped/playlist.m3u8"} {
			d.closed(p)
		}
		time.Sleep(time.Minute)
		d.wantState("g/ended", health.Ended, "")
		d.wantState("g/stopped", health.Stale, "its manifest has no end")
		if lines := d.log.lines(slog.LevelWarn, "stream"); len(lines) > 0 {
			t.Errorf("logged: %q", lines)
		}
	})
}

// The streams of a DASH group are named by one manifest, in the group's directory.
func TestStreamsThatAGroupsManifestNamesAreJudgedByIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.DASH}, Settings{})
		d.start()
		const mpd = `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic"><Period><AdaptationSet><Representation id="v">` +
			`<SegmentTemplate timescale="1" initialization="s/video/1/seg_init.mp4" media="s/video/1/segment_$Time$.m4s"><SegmentTimeline><S t="%d" d="4"/><S d="4"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`
		d.close("g/s/video/1/seg_init.mp4", "init")
		for n := range 4 {
			d.close(fmt.Sprintf("g/s/video/1/segment_%d.m4s", 4*n), "x")
			d.close(fmt.Sprintf("g/s/video/1/segment_%d.m4s", 4*n+4), "x")
			d.close("g/manifest.mpd", fmt.Sprintf(mpd, 4*n))
			time.Sleep(4 * time.Second)
		}
		d.wantState("g/s", health.Live, "")
		time.Sleep(time.Minute)
		d.wantState("g/s", health.Stalled, "came every 4s")
		streams, _ := d.up.Streams(t.Context())
		if len(streams) != 1 {
			t.Errorf("%d streams are listed, want the one with chunks", len(streams))
		}
	})
}
