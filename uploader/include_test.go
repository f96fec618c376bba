package uploader

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// Files beside the media are published when they are closed, and again when they changed. They say
// nothing of how the stream fares, and wait for no manifest.
func TestIncludedFilesArePublishedWithoutAManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.HLS, Include: "*.jpg meta/*.json"}, Settings{})
		d.start()
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 1, "#EXT-X-ENDLIST"))
		for p, content := range map[string]string{"g/s/poster.jpg": "one", "meta/a.json": "{}", "g/meta/b.json": "{}", "g/s/a.png": "x"} {
			d.close(p, content)
		}
		settle()
		for p, want := range map[string]string{"g/s/poster.jpg": "one", "meta/a.json": "{}", "g/meta/b.json": "", "g/s/a.png": ""} {
			if got := d.bucket.content(p); got != want {
				t.Errorf("%s is %q, want %q", p, got, want)
			}
		}
		for range 5 {
			time.Sleep(time.Minute)
			d.close("g/s/poster.jpg", "two")
		}
		settle()
		if got, header := d.bucket.content("g/s/poster.jpg"), d.bucket.header("g/s/poster.jpg"); got != "two" || header != "image/jpeg; max-age=10" {
			t.Errorf("changed, it is %q with %q", got, header)
		}
		if lines := d.log.lines(slog.LevelWarn, ""); len(lines) > 0 {
			t.Errorf("%q", lines)
		}
		d.wantState("g/s", health.Ended, "")
		if streams, _ := d.up.Streams(t.Context()); len(streams) != 1 {
			t.Errorf("files beside the media are judged: %+v", streams)
		}
	})
}
