package uploader

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The writer lists a variant that is off, and never writes its master playlist again.
func TestR2VariantThatNeverComesIsTakenOutAndAddedWhenItComes(t *testing.T) {
	for name, remove := range map[string]bool{"keep": false, "remove": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.dest.RemoveAbsent = remove
				d.bucket.mayMiss["b/playlist.m3u8"] = true
				d.start()
				d.live("a", 1, 3, 0)
				all := master("a/playlist.m3u8", "b/playlist.m3u8")
				d.close("live.m3u8", all)
				d.report(func() { d.src.Absent(d.ctx, "b/playlist.m3u8") })
				time.Sleep(25 * time.Second)
				if d.bucket.has("live.m3u8") {
					t.Error("it is not waited for")
				}
				time.Sleep(10 * time.Second)
				without := all
				if remove {
					without = strings.Split(all, "#EXT-X-STREAM-INF:BANDWIDTH=2")[0]
				}
				if got := d.bucket.content("live.m3u8"); got != without {
					t.Errorf("without the variant: %q, want %q", got, without)
				}
				if n := len(d.log.lines(slog.LevelWarn, "master playlist is published without waiting for a variant that does not come")); n != 1 {
					t.Errorf("%d warnings", n)
				}
				d.live("b", 1, 3, 0)
				time.Sleep(time.Second)
				if got := d.bucket.content("live.m3u8"); got != all {
					t.Errorf("with the variant: %q, want %q", got, all)
				}
				time.Sleep(5 * time.Minute)
				if got := d.bucket.content("live.m3u8"); got != all {
					t.Errorf("later: %q, want %q", got, all)
				}
			})
		})
	}
}
