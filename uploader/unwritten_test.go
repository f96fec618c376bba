package uploader

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

const notWritten = "manifest names chunks that were never written"

// The manifests of a group of two bitrates, as EMS writes them: both have the times of the second
// one, and the first one's chunks on disk have others.
var groups = map[media.Format]struct {
	manifest string
	chunk    string // of a bitrate and a time
	text     func(first, last int) string
}{
	media.MSS: {"g/manifest.ismc", "g/%s/video/%d.fmp4", func(first, last int) string {
		text := `<SmoothStreamingMedia IsLive="TRUE" TimeScale="1000"><StreamIndex Type="video" Url="{bitrate}/video/{start_time}.fmp4">` +
			`<QualityLevel Bitrate="200000"/><QualityLevel Bitrate="400000"/>`
		for n := first; n <= last; n++ {
			text += fmt.Sprintf(`<c d="4000" t="%d"/>`, 4000*n)
		}
		return text + "</StreamIndex></SmoothStreamingMedia>"
	}},
	media.DASH: {"g/manifest.mpd", "g/%s/segment_%d.m4s", func(first, last int) string {
		text := `<?xml version="1.0"?><MPD type="dynamic" xmlns="urn:mpeg:dash:schema:mpd:2011"><Period start="PT0S"><AdaptationSet>`
		for _, rate := range []string{"200000", "400000"} {
			text += `<Representation bandwidth="` + rate + `" id="` + rate + `"><SegmentTemplate media="` + rate +
				`/segment_$Time$.m4s" timescale="1000"><SegmentTimeline>`
			for n := first; n <= last; n++ {
				text += fmt.Sprintf(`<S d="4000" t="%d"/>`, 4000*n)
			}
			text += `</SegmentTimeline></SegmentTemplate></Representation>`
		}
		return text + "</AdaptationSet></Period></MPD>"
	}},
}

func TestChunksThatEMSNamesAndNeverWroteAreNoLosses(t *testing.T) {
	for format, g := range groups {
		synctest.Test(t, func(t *testing.T) {
			d := newDeskFor(t, media.Layout{Format: format}, Settings{})
			for n := range 12 {
				d.bucket.mayMiss[fmt.Sprintf(g.chunk, "200000", 4000*n)] = true
			}
			d.start()
			for n := range 12 {
				d.close(fmt.Sprintf(g.chunk, "400000", 4000*n), fmt.Sprint("high ", n))
				d.close(fmt.Sprintf(g.chunk, "200000", 4000*n+6), fmt.Sprint("low ", n))
				d.close(g.manifest, g.text(max(0, n-4), n))
				time.Sleep(4 * time.Second)
			}
			time.Sleep(2 * time.Minute)
			f, _ := d.up.Figures(d.ctx)
			if f.Lost != 0 || f.Unwritten != 12 {
				t.Errorf("%v: %d lost, %d unwritten", format, f.Lost, f.Unwritten)
			}
			if got := len(d.log.lines(slog.LevelWarn, notWritten)); got != 1 || len(d.log.lines(slog.LevelWarn, "chunk is lost")) != 0 {
				t.Errorf("%v: %d lines of it, %d of losses", format, got, len(d.log.lines(slog.LevelWarn, "chunk is lost")))
			}
			if want := g.text(7, 11); d.bucket.content(g.manifest) != want {
				t.Errorf("%v: the bucket has\n%s", format, d.bucket.content(g.manifest))
			}
		})
	}
}

// What was on disk, or may have been before the manifest was read, is a loss.
func TestChunksThatEMSMayHaveWrittenAreLosses(t *testing.T) {
	for format, g := range groups {
		for name, lose := range map[string]func(d *desk){
			"a manifest from before the start": func(d *desk) {
				d.write(g.manifest, g.text(0, 3))
				before := time.Now().Add(-time.Hour)
				if err := os.Chtimes(filepath.Join(d.dir, g.manifest), before, before); err != nil {
					d.t.Fatal(err)
				}
				d.closed(g.manifest)
			},
			"a chunk that was on disk": func(d *desk) {
				p := fmt.Sprintf(g.chunk, "200000", 0)
				d.write(p, "x")
				fi, err := os.Stat(filepath.Join(d.dir, p))
				if err == nil {
					err = os.Remove(filepath.Join(d.dir, p)) // before it is linked
				}
				if err != nil {
					d.t.Fatal(err)
				}
				d.close(fmt.Sprintf(g.chunk, "400000", 0), "y")
				d.close(g.manifest, g.text(0, 0))
				d.report(func() { d.src.Closed(d.ctx, p, media.VersionOf(fi)) })
			},
		} {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, media.Layout{Format: format}, Settings{})
				for n := range 4 {
					d.bucket.mayMiss[fmt.Sprintf(g.chunk, "200000", 4000*n)] = true
					d.bucket.mayMiss[fmt.Sprintf(g.chunk, "400000", 4000*n)] = true
				}
				d.start()
				lose(d)
				time.Sleep(2 * time.Minute)
				if f, _ := d.up.Figures(d.ctx); f.Unwritten != 0 || f.Lost == 0 || len(d.log.lines(slog.LevelWarn, notWritten)) != 0 {
					t.Errorf("%v: %s: %d lost, %d unwritten", format, name, f.Lost, f.Unwritten)
				}
			})
		}
	}
}
