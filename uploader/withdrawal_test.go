package uploader

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/uploader/publish"
)

// Some players go on asking for a playlist that was removed. When it returns, its numbers go on, also if
// the daemon was started again meanwhile.
func TestR3RemovedPlaylistGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.ReconnectWindow, d.dest.StaleAfter, d.dest.WhenStale = time.Minute, 30*time.Second, publish.RemoveStale
		ended := d.start()
		d.live("g/s", 1, 5, 4*time.Second)
		time.Sleep(time.Minute)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != "" {
			t.Fatalf("the playlist is not removed: %q", got)
		}
		if got := d.bucket.content("g/s/playlist.m3u8.withdrawn"); got != playlist(1, 5) {
			t.Errorf("what players had last is kept as %q", got)
		}
		d.remove("g/s/playlist.m3u8")
		d.restarted(ended)
		d.close("g/s/b_1.ts", "b")
		d.close("g/s/playlist.m3u8", strings.ReplaceAll(playlist(1, 1), "1.ts", "b_1.ts"))
		time.Sleep(4 * time.Second)
		got := d.bucket.content("g/s/playlist.m3u8")
		if !strings.Contains(got, "#EXT-X-MEDIA-SEQUENCE:6\r\n") || !strings.Contains(got, "#EXT-X-DISCONTINUITY-SEQUENCE:1\r\n") {
			t.Errorf("its numbers do not go on: %q", got)
		}
	})
}
