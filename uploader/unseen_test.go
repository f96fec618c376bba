package uploader

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// A window is what a manifest of some format lists, from first to last, and the chunks that it
// names.
type window struct {
	layout media.Layout
	start  func(d *desk) // what is there before
	path   string
	text   func(first, last int) string
	chunks func(n int) []string
	span   func(first, last int) string // as it is logged
}

func windows() map[string]window {
	numbered := func(first, last int) string { return fmt.Sprintf("first=%d last=%d", first, last) }
	timed := func(first, last int) string { return fmt.Sprintf("first=%d last=%d", 6000*first, 6000*last) }
	tracks := func(first, last int, track func(kind string) string) (text string) {
		for _, kind := range []string{"video", "audio"} {
			text += track(kind)
		}
		return text
	}
	return map[string]window{
		"HLS": {media.Layout{Format: media.HLS}, func(*desk) {}, "g/s/playlist.m3u8",
			func(first, last int) string { return playlist(first, last) },
			func(n int) []string { return []string{fmt.Sprintf("g/s/%d.ts", n)} }, numbered},
		"HDS": {hdsLayout, func(d *desk) { d.close("g/s/s.f4m", f4m("live", "x")) }, "g/s/bootstrap",
			func(first, last int) string { return abst(first, last-first+1) },
			func(n int) []string { return []string{fmt.Sprintf("g/s/f4vSeg1-Frag%d", n)} }, numbered},
		"DASH": {media.Layout{Format: media.DASH}, func(*desk) {}, "g/manifest.mpd",
			func(first, last int) string {
				return `<MPD type="dynamic"><Period>` + tracks(first, last, func(kind string) string {
					t := `<AdaptationSet><Representation id="s/` + kind + `/1"><SegmentTemplate media="$RepresentationID$/segment_$Time$.m4s" timescale="1000"><SegmentTimeline>`
					for n := first; n <= last; n++ {
						t += fmt.Sprintf(`<S t="%d" d="6000"/>`, 6000*n)
					}
					return t + `</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>`
				}) + `</Period></MPD>`
			},
			func(n int) []string {
				return []string{fmt.Sprintf("g/s/video/1/segment_%d.m4s", 6000*n), fmt.Sprintf("g/s/audio/1/segment_%d.m4s", 6000*n)}
			}, timed},
		"MSS": {media.Layout{Format: media.MSS}, func(*desk) {}, "g/manifest.ismc",
			func(first, last int) string {
				return `<SmoothStreamingMedia IsLive="TRUE" TimeScale="1000">` + tracks(first, last, func(kind string) string {
					t := `<StreamIndex Url="s/` + kind + `/{bitrate}/{start_time}.fmp4"><QualityLevel Bitrate="1"/>`
					for n := first; n <= last; n++ {
						t += fmt.Sprintf(`<c t="%d" d="6000"/>`, 6000*n)
					}
					return t + `</StreamIndex>`
				}) + `</SmoothStreamingMedia>`
			},
			func(n int) []string {
				return []string{fmt.Sprintf("g/s/video/1/%d.fmp4", 6000*n), fmt.Sprintf("g/s/audio/1/%d.fmp4", 6000*n)}
			}, timed},
	}
}

// lists has the chunks from first to last closed, and then the manifest that lists them.
func (w window) lists(d *desk, first, last int) {
	for n := first; n <= last; n++ {
		for _, p := range w.chunks(n) {
			if _, err := os.Stat(filepath.Join(d.dir, p)); err != nil {
				d.close(p, "x")
			}
		}
	}
	d.close(w.path, w.text(first, last))
	settle()
}

func (d *desk) lost() int64 {
	f, _ := d.up.Figures(d.ctx)
	return f.Lost
}

// What the server wrote and deleted while no one could look is told by the manifest that jumped
// over it, and is counted as lost: in all formats, once, and only what no one saw.
func TestChunksThatAManifestJumpedOverAreCountedAsLost(t *testing.T) {
	for name, w := range windows() {
		for _, c := range []struct {
			name        string
			first, last int   // of the window after 5 to 9
			seen        []int // closed meanwhile, and not listed
			lost        int   // in each track
		}{
			{"the next", 6, 10, nil, 0},
			{"the next window", 10, 14, nil, 0},
			{"one is missing", 11, 15, nil, 1},
			{"many are missing", 1010, 1014, nil, 1000},
			{"some were seen", 20, 24, []int{10, 11, 12, 13}, 6},
			{"all were seen", 13, 17, []int{10, 11, 12}, 0},
			{"again", 1, 3, nil, 0},
			{"again with the first", 1, 1, nil, 0},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDeskFor(t, w.layout, Settings{})
					d.bucket.mayRestart = map[string]bool{w.path: c.first < 5}
					d.start()
					w.start(d)
					w.lists(d, 5, 9) // the first that is read is no jump, whatever it begins with
					time.Sleep(time.Minute)
					for _, n := range c.seen {
						for _, p := range w.chunks(n) {
							d.close(p, "x")
						}
					}
					w.lists(d, c.first, c.last)
					w.lists(d, c.first, c.last) // it is written twice
					time.Sleep(10 * time.Second)
					settle()
					want := int64(c.lost * len(w.chunks(1)))
					lines := d.log.lines(slog.LevelWarn, "chunks were never seen")
					if d.lost() != want || len(lines) != min(1, int(want)) {
						t.Fatalf("%d are lost, want %d: %q", d.lost(), want, lines)
					}
					if c.lost == 0 {
						return
					}
					for _, s := range []string{"stream=", "key=" + w.path, fmt.Sprint("count=", want), w.span(10, c.first-1)} {
						if !strings.Contains(lines[0], s) {
							t.Errorf("%q does not say %q", lines[0], s)
						}
					}
				})
			})
		}
	}
}

// A jump that was just read when the daemon ends is told, too; a sequence that jumps absurdly far
// is another numbering.
func TestJumpIsLoggedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := windows()["HLS"]
		d := newDeskFor(t, w.layout, Settings{})
		ended := d.start()
		w.lists(d, 1, 5)
		w.lists(d, 10, 14)
		w.lists(d, 10_000_000, 10_000_004)
		d.end()
		<-ended
		if n := len(d.log.lines(slog.LevelWarn, "count=4")); n != 1 {
			t.Errorf("%d lines: %q", n, d.log.lines(slog.LevelWarn, ""))
		}
	})
}
