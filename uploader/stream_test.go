package uploader

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
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

// Each of several streams in a directory has an id, below that of the directory; it is ended by that, and
// has no clips.
func TestStreamsInOneDirectoryHaveIDsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.HLS, Writer: media.AnyWrites}, Settings{})
		d.dest.Prefix, d.dest.ReconnectWindow = "live/", time.Minute
		d.start()
		for n := 1; n <= 6; n++ {
			for _, name := range []string{"cam", "other"} {
				d.close(fmt.Sprintf("g/%s-%d.ts", name, n), name)
				list := playlist(n, n)
				d.close("g/"+name+".m3u8", strings.Replace(list, fmt.Sprintf("%d.ts", n), fmt.Sprintf("%s-%d.ts", name, n), 1))
			}
			time.Sleep(4 * time.Second)
		}
		for _, name := range []string{"cam", "other"} {
			got, found, _ := d.up.Stream(t.Context(), "hls", "live/g/"+name)
			if !found || got.ID != "hls/live/g/"+name || got.Dir != "g" || len(got.Manifests) != 1 ||
				got.Manifests[0].Path != "g/"+name+".m3u8" {
				t.Errorf("found: %v, %+v", found, got)
			}
		}
		if got, found, _ := d.up.Stream(t.Context(), "hls", "live/g"); found {
			t.Errorf("the directory is a stream: %+v", got)
		}
		if n, found, _ := d.up.End(t.Context(), "hls", "live/g/cam"); n != 1 || !found {
			t.Errorf("found: %v, %d playlists are ended", found, n)
		}
		settle()
		for name, want := range map[string]bool{"cam": true, "other": false} {
			if got := strings.Contains(d.bucket.content("live/g/"+name+".m3u8"), "#EXT-X-ENDLIST"); got != want {
				t.Errorf("%s has ended: %v", name, got)
			}
		}
		_, err := d.up.Clip(t.Context(), "hls", "live/g/other", ClipRequest{From: "-10s"})
		if !errors.Is(err, ErrWrongClip) || !strings.Contains(err.Error(), "several streams") {
			t.Errorf("the clip: %v", err)
		}
		d.end()
	})
}
