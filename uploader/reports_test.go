package uploader

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/uploader/health"
	"ems-sidecar/uploader/publish"
)

// The summary of a minute in which a playlist went bad: the stream is counted and named, its chunks
// that viewers do not get have a lag, too, and what the watcher reports is a failure as others are.
func TestSummaryCountsAllStreamsAndNamesThoseThatSuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		for n := 1; n <= 29; n++ {
			d.live("g/well", n, n, 0)
			d.close(fmt.Sprintf("g/ill/%d.ts", n), "x")
			if n < 5 {
				d.close("g/ill/playlist.m3u8", playlist(n, n))
			} else {
				d.close("g/ill/playlist.m3u8", "no playlist")
			}
			time.Sleep(2 * time.Second)
		}
		time.Sleep(3 * time.Second)
		lines := d.log.lines(slog.LevelInfo, "last minute")
		if len(lines) != 1 {
			t.Fatalf("%d summaries after a minute: %q", len(lines), lines)
		}
		for _, want := range []string{"streams=2", "failing=1", "live=1", "stalled=0", "suffering=g/ill failing for ", "failures=25",
			"lag_p99=4"} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("%q does not have %q", lines[0], want)
			}
		}
	})
}

func TestSummaryNamesTheWorstStreams(t *testing.T) {
	now := time.Now()
	views := []publish.View{{Shown: strings.Repeat("ä", 500), State: health.Failing, Since: now.Add(-168 * time.Second)}}
	for n := range 11 {
		views = append(views, publish.View{Shown: fmt.Sprint("g/", n), State: health.Stalled, Since: now.Add(-time.Second)})
	}
	views = append(views, publish.View{Shown: "g/well", State: health.Live})
	got := suffering(views, now)
	if !strings.HasPrefix(got, "ää") || !strings.HasSuffix(got, "… failing for 2m48s, g/0 stalled for 1s, g/1 stalled for 1s, "+
		"g/2 stalled for 1s, g/3 stalled for 1s and 7 more") || len(got) > mostNamed*(maxNamed+40) {
		t.Errorf("named: %s", got)
	}
	if who := suffering(views[len(views)-1:], now); who != "" {
		t.Errorf("%q suffer, although none does", who)
	}
}

func TestManifestThatCanBeUsedAgainIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		d.close("g/s/playlist.m3u8", "no playlist")
		d.close("g/s/playlist.m3u8", playlist(1, 1))
		if n := len(d.log.lines(slog.LevelWarn, "manifest can be used again")); n != 1 {
			t.Errorf("%d lines tell of the recovery, want 1", n)
		}
	})
}
