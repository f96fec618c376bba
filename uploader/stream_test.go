package uploader

import (
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/uploader/health"
)

// One stream is told with the manifests that name its chunks: its own, and the master of its group.
func TestOneStreamIsToldWithItsManifests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.Prefix = "live/"
		ended := d.start()
		began := time.Now()
		d.close("g/all.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns/playlist.m3u8\n")
		d.live("g/s", 1, 7, 4*time.Second)
		d.live("g/other", 1, 1, 4*time.Second)
		d.close("g/s/playlist.m3u8", playlist(4, 8)) // its last chunk is not there yet
		settle()

		got, found, ok := d.up.Stream(t.Context(), "hls", "live/g/s")
		if !found || !ok || got.View.Stream != "g/s" || got.State != health.Live || got.Key != "live/g/s" || got.Chunks != 7 {
			t.Fatalf("found: %v, answered: %v, %+v", found, ok, got)
		}
		if len(got.Manifests) != 2 {
			t.Fatalf("the manifests are %+v, want the master and the playlist", got.Manifests)
		}
		master, own := got.Manifests[0], got.Manifests[1]
		if master.Key != "live/g/all.m3u8" || !master.Set || master.Edge != "" || master.Published.Before(began) || !master.Waiting.IsZero() {
			t.Errorf("the master is %+v", master)
		}
		if own.Path != "g/s/playlist.m3u8" || own.Sequence != 3 || own.Last != 7 || own.Segments != 5 || own.Edge != "live/g/s/7.ts" ||
			own.Set || own.Ended || own.Published.IsZero() || own.Waiting.IsZero() {
			t.Errorf("the playlist is %+v, want it to name 3.ts to 7.ts, and a version of it to wait", own)
		}
		for _, other := range [][2]string{{"dash", "live/g/s"}, {"hls", "live/g"}, {"hls", "g/s"}, {"hls", "live/g/s/"}, {"", ""}} {
			if got, found, ok := d.up.Stream(t.Context(), other[0], other[1]); found || !ok {
				t.Errorf("%q: found: %v, answered: %v, %+v", other, found, ok, got)
			}
		}
		d.end()
		<-ended
		if _, found, ok := d.up.Stream(t.Context(), "hls", "live/g/s"); found || ok {
			t.Error("an uploader that has ended answers")
		}
	})
}
