package uploader

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

const absentOptional = "manifest names a file that is neither on the disk nor in the bucket; players go on without it"

// What players can do without is waited for as long as it may appear, and no longer: another server
// may have it. It is no loss, and is published when it comes.
func TestManifestGoesOnWithoutOptionalFiles(t *testing.T) {
	const master = "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"steer.json\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns/playlist.m3u8\n"
	interstitials := playlist(1, 1, `#EXT-X-DATERANGE:ID="a",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="../ad/playlist.m3u8"`,
		`#EXT-X-DATERANGE:ID="b",START-DATE="2026-01-01T00:00:00Z",X-ASSET-LIST="list.json"`)
	files := []string{"g/steer.json", "g/ad/playlist.m3u8", "g/s/list.json"}
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			for _, p := range files {
				d.bucket.mayMiss[p] = late
			}
			d.start()
			d.close("g/s/1.ts", "x")
			d.close("g/s/playlist.m3u8", interstitials)
			d.close("g/playlist.m3u8", master)
			time.Sleep(time.Second)
			if !late {
				d.write("g/ad/1.ts", "x")
				for _, p := range []string{"g/steer.json", "g/s/list.json"} {
					d.close(p, "{}")
				}
				d.close("g/ad/playlist.m3u8", playlist(1, 1, "#EXT-X-ENDLIST"))
				d.closed("g/ad/1.ts")
			}
			time.Sleep(10 * time.Second)
			if d.bucket.content("g/playlist.m3u8") != master || d.bucket.content("g/s/playlist.m3u8") != interstitials {
				t.Errorf("late %v: the bucket has %q", late, d.bucket.keys())
			}
			if d.lost() != 0 || len(d.log.lines(slog.LevelWarn, absentOptional)) > 0 != late {
				t.Errorf("late %v: %d lost, %q", late, d.lost(), d.log.lines(slog.LevelWarn, ""))
			}
			if late {
				d.close("g/steer.json", "{}")
				time.Sleep(time.Second)
			}
			if got := d.bucket.content("g/steer.json"); got != "{}" {
				t.Errorf("late %v: the steering manifest is %q", late, got)
			}
		})
	}
}

// A segment that its writer marks as missing is neither waited for nor lost.
func TestGapsOfTheWriterAreNoLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.bucket.mayMiss["g/s/2.ts"] = true
		d.start()
		list := playlist(1, 1) + "#EXT-X-GAP\r\n" + strings.SplitAfter(playlist(2, 3), "SEQUENCE:2\r\n")[1]
		d.close("g/s/1.ts", "x")
		d.close("g/s/3.ts", "x")
		d.close("g/s/playlist.m3u8", list)
		settle()
		if got := d.bucket.content("g/s/playlist.m3u8"); got != list {
			t.Errorf("the bucket has %q", got)
		}
		if lines := d.log.lines(slog.LevelWarn, ""); d.lost() != 0 || len(lines) > 0 {
			t.Errorf("%d lost, %q", d.lost(), lines)
		}
	})
}

// Parts go up before the playlist that names them. What is only hinted at does not exist yet.
func TestPartsAreUploadedBeforeTheirPlaylist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		list := playlist(1, 1, `#EXT-X-PART-INF:PART-TARGET=0.5`, `#EXT-X-MAP:URI="init.mp4"`, `#EXT-X-PART:DURATION=0.5,URI="2.0.m4s"`,
			`#EXT-X-PART:DURATION=0.5,URI="2.1.m4s"`, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="2.2.m4s"`, `#EXT-X-RENDITION-REPORT:URI="../t/playlist.m3u8"`)
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", list)
		for _, p := range []string{"init.mp4", "2.0.m4s", "2.1.m4s"} {
			time.Sleep(100 * time.Millisecond)
			d.close("g/s/"+p, "x")
		}
		settle()
		if got := d.bucket.content("g/s/playlist.m3u8"); got != list {
			t.Errorf("the bucket has %q", d.bucket.keys())
		}
	})
}

// Where a URI has a variable whose value the playlist does not have, nothing is waited for.
func TestVariablesThatAreNotKnownAreLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		for n := 1; n < 4; n++ {
			list := playlist(n, n, `#EXT-X-DEFINE:IMPORT="cdn"`, "#EXTINF:4,", "{$cdn}/x.ts")
			d.close("g/s/"+string(rune('0'+n))+".ts", "x")
			d.close("g/s/playlist.m3u8", list)
			settle()
			if got := d.bucket.content("g/s/playlist.m3u8"); got != list {
				t.Errorf("the bucket has %q", got)
			}
			time.Sleep(4 * time.Second)
		}
		if lines := d.log.lines(slog.LevelWarn, "by a variable whose value"); len(lines) != 1 {
			t.Errorf("%q", lines)
		}
	})
}

// A file that a manifest names is published, whatever it is called.
func TestNamedFilesOfUnknownKindsArePublished(t *testing.T) {
	for format, manifest := range map[media.Format]string{
		media.HLS: "#EXTM3U\n#EXTINF:2,\n1.xyz\n#EXTINF:2,\n2\n#EXTINF:2,\nsub/3.mpeg.enc\n#EXT-X-ENDLIST\n",
		media.DASH: `<MPD><Period duration="PT6S"><AdaptationSet><Representation id="a"><SegmentList duration="2"><SegmentURL media="1.xyz"/>` +
			`<SegmentURL media="2"/><SegmentURL media="sub/3.mpeg.enc"/></SegmentList></Representation></AdaptationSet></Period></MPD>`,
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDeskFor(t, media.Layout{Format: format}, Settings{})
			d.start()
			name := map[media.Format]string{media.HLS: "g/s/playlist.m3u8", media.DASH: "g/s/manifest.mpd"}[format]
			files := []string{"g/s/1.xyz", "g/s/2", "g/s/sub/3.mpeg.enc"}
			for _, p := range slices.Concat(files, []string{name}) {
				d.close(p, manifest)
			}
			time.Sleep(5 * time.Second)
			for _, p := range append(files, name) {
				if d.bucket.content(p) != manifest {
					t.Errorf("%s: %s is not published", format, p)
				}
			}
		})
	}
}
