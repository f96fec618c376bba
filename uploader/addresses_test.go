package uploader

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

const cdn = "https://cdn.example.com/live/"

// addressed returns a playlist whose segments are in the directory base.
func addressed(base string, first, last int, tail ...string) string {
	return strings.ReplaceAll(playlist(first, last, tail...), ",\r\n", ",\r\n"+base)
}

// With the public address, a reference tells its file, wherever that is, and whether or not it exists.
func TestR2FilesAtThePublicAddressAreWaitedFor(t *testing.T) {
	for _, base := range []string{cdn, "http://CDN.example.com:80/live/", "//cdn.example.com/live/", "/live/"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.dest.PublicURL = strings.TrimSuffix(cdn, "/")
			d.start()
			content := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"" + base + "media/init.mp4?a=1\"\n#EXTINF:4,\n" + base +
				"media/a%20b.m4s?token=a/b\n#EXTINF:4,\nhttps://ads.example.com/live/g/s/ad.ts\n"
			d.write("g/s/ad.ts", "not what the playlist means")
			d.close("g/s/playlist.m3u8", content)
			time.Sleep(time.Second)
			if d.bucket.content("g/s/playlist.m3u8") != "" {
				t.Errorf("%s: it does not wait for its files", base)
			}
			d.close("media/init.mp4", "init")
			d.close("media/a b.m4s", "one")
			time.Sleep(5 * time.Second)
			if d.bucket.content("media/init.mp4") != "init" || d.bucket.content("media/a b.m4s") != "one" {
				t.Errorf("%s: its files are not uploaded", base)
			}
			if got := d.bucket.content("g/s/playlist.m3u8"); got != content {
				t.Errorf("%s: the bucket has %q", base, got)
			}
			if d.bucket.has("g/s/ad.ts") && strings.Contains(d.bucket.order(), "ad.ts g/s/playlist") {
				t.Errorf("%s: it waits for another host's file", base)
			}
		})
	}
}

// Without the public address, a file that appears after the manifest that names it is found.
func TestAFileThatAnAddressMeansMayComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.DASH}, Settings{})
		d.start()
		d.close("g/m.mpd", `<MPD type="static"><BaseURL>http://cdn.example.com/x/</BaseURL><Period><AdaptationSet><Representation>`+
			`<SegmentTemplate initialization="init.mp4" media="s$Number$.m4s" timescale="1"><SegmentTimeline><S t="0" d="2"/>`+
			`</SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`)
		time.Sleep(2 * time.Second)
		d.close("g/init.mp4", "init")
		d.close("g/s1.m4s", "one")
		time.Sleep(5 * time.Second)
		for _, key := range []string{"g/init.mp4", "g/s1.m4s", "g/m.mpd"} {
			if !d.bucket.has(key) {
				t.Errorf("%s is not uploaded", key)
			}
		}
		if n := d.bucket.count("g/m.mpd"); n != 1 {
			t.Errorf("the MPD was sent %d times", n)
		}
	})
}

// All that looks up what a reference means finds the file of an address.
func TestAddressesAreRewrittenInWhatIsPublished(t *testing.T) {
	for name, base := range map[string]string{"an address": cdn + "g/s/", "a path of a host": "/x/", "a path on the disk": ""} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.dest.RewriteURLs = true
				if base == "" {
					base = d.src.dir + "/g/s/"
				}
				d.start()
				for n := 1; n <= 3; n++ {
					d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
				}
				d.close("g/s/key", "k")
				d.close("g/s/playlist.m3u8", addressed(base, 1, 3, `#EXT-X-KEY:METHOD=AES-128,URI="`+base+`key?a"`, "#EXTINF:1,ad", "https://ads/ad.ts"))
				d.close("g/master.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"+base+"playlist.m3u8\n")
				time.Sleep(5 * time.Second)
				want := playlist(1, 3, `#EXT-X-KEY:METHOD=AES-128,URI="key?a"`, "#EXTINF:1,ad", "https://ads/ad.ts")
				if got := d.bucket.content("g/s/playlist.m3u8"); got != want {
					t.Errorf("viewers get %q", got)
				}
				master := d.bucket.content("g/master.m3u8")
				if isUnknown := base == "/x/"; !isUnknown && master != "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\ns/playlist.m3u8\n" {
					t.Errorf("viewers get %q", master)
				}
				if lines := d.log.lines(slog.LevelWarn, "by a path on this host"); len(lines) > 0 {
					t.Errorf("it is rewritten, and the log has %q", lines)
				}
			})
		})
	}
}

func TestAddressesInAnMPDAreRewritten(t *testing.T) {
	const body = `<Period><AdaptationSet><SegmentTemplate initialization="init.mp4" media="s$Number$.m4s" timescale="1">` +
		`<SegmentTimeline><S t="0" d="2"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period></MPD>`
	for _, c := range []struct{ head, want string }{
		{`<MPD><BaseURL>` + cdn + `g/low/</BaseURL><Location>` + cdn + `g/m.mpd</Location>`,
			`<MPD><BaseURL>low/</BaseURL><Location>m.mpd</Location>`},
		{`<MPD><BaseURL>https://else/x/low/</BaseURL>`, `<MPD><BaseURL>https://else/x/low/</BaseURL>`},
	} {
		for _, public := range []string{cdn, ""} {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, media.Layout{Format: media.DASH}, Settings{})
				d.dest.RewriteURLs, d.dest.PublicURL = true, public
				d.start()
				d.close("g/low/init.mp4", "init")
				d.close("g/low/s1.m4s", "one")
				d.close("g/m.mpd", c.head+body)
				time.Sleep(5 * time.Second)
				want := c.want
				if public == "" { // what is called so below the manifest is meant
					want = strings.Replace(want, "https://else/x/low/", "low/", 1)
				}
				if got := d.bucket.content("g/m.mpd"); got != want+body {
					t.Errorf("with %q: %s", public, got)
				}
			})
		}
	}
}

// A restart with rewrite_urls = on goes on with the same playlist.
func TestAStreamGoesOnWhenItsAddressesBecomeRelative(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.ReconnectWindow, d.dest.PublicURL = time.Minute, cdn
		ended := d.start()
		for n := 1; n <= 4; n++ {
			d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
			d.close("g/s/playlist.m3u8", addressed(cdn+"g/s/", max(1, n-2), n))
			time.Sleep(4 * time.Second)
		}
		if got := d.bucket.content("g/s/playlist.m3u8"); !strings.Contains(got, cdn+"g/s/4.ts") {
			t.Fatalf("the bucket has %q", got)
		}
		d.dest.RewriteURLs = true
		d.restarted(ended)
		d.scan()
		d.close("g/s/5.ts", "x")
		d.close("g/s/playlist.m3u8", addressed(cdn+"g/s/", 3, 5))
		time.Sleep(4 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != playlist(3, 5) {
			t.Errorf("viewers get %q", got)
		}
	})
}

// The end of a stream names nothing that was deleted unseen, also if it names whole addresses.
func TestR2EndOfAStreamWithAddressesNamesNothingThatWasDeletedUnseen(t *testing.T) {
	for _, public := range []string{cdn, ""} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.dest.PublicURL = public
			d.start()
			for n := 1; n <= 4; n++ {
				d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
				d.close("g/s/playlist.m3u8", addressed(cdn+"g/s/", max(1, n-2), n))
				time.Sleep(4 * time.Second)
			}
			d.close("g/s/playlist.m3u8", addressed(cdn+"g/s/", 3, 5, "#EXT-X-ENDLIST")) // 5.ts was never seen
			time.Sleep(2 * time.Minute)
			if got, want := d.bucket.content("g/s/playlist.m3u8"), addressed(cdn+"g/s/", 3, 4, "#EXT-X-ENDLIST"); got != want {
				t.Errorf("with %q viewers see %q", public, got)
			}
		})
	}
}

func TestPlaylistOfAddressesWithoutAFinalLineEndIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.dest.PublicURL = cdn
		d.start()
		d.close("g/s/1.ts", "x")
		whole := strings.TrimSuffix(addressed(cdn+"g/s/", 1, 1), "\r\n")
		d.close("g/s/playlist.m3u8", whole[:len(whole)-1]) // the name of a file that does not exist
		time.Sleep(10 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != "" {
			t.Errorf("cut short, it is published: %q", got)
		}
		d.close("g/s/playlist.m3u8", whole)
		time.Sleep(10 * time.Second)
		if got := d.bucket.content("g/s/playlist.m3u8"); got != whole {
			t.Errorf("viewers get %q", got)
		}
	})
}

func TestRangesOfAFileAtAnAddressArePublished(t *testing.T) {
	for _, rewrite := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Settings{})
			d.dest.SplitRanges, d.dest.PublicURL, d.dest.RewriteURLs = true, cdn, rewrite
			d.start()
			d.write("g/s/all.ts", "0123456789")
			d.close("g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.000,\n#EXT-X-BYTERANGE:4@2\n"+
				cdn+"g/s/all.ts?x\n")
			time.Sleep(5 * time.Second)
			lines := strings.Split(strings.TrimSpace(d.bucket.content("g/s/playlist.m3u8")), "\n")
			uri := lines[len(lines)-1]
			name, isAddress := strings.CutPrefix(uri, cdn+"g/s/")
			if isAddress == rewrite || d.bucket.content("g/s/"+name) != "2345" {
				t.Errorf("rewritten %v: the playlist names %q, and the bucket has %q", rewrite, uri, d.bucket.keys())
			}
		})
	}
}

// An archive lists chunks that the live playlist names by addresses, and they stay.
func TestR2MirrorKeepsWhatAnArchiveNamesByAddresses(t *testing.T) {
	for _, public := range []string{cdn, ""} {
		synctest.Test(t, func(t *testing.T) {
			d := newArchiveDesk(t)
			d.mirror()
			d.dest.PublicURL = public
			ended := d.start()
			for n := 1; n <= 6; n++ {
				d.close(fmt.Sprintf("g/s/%d.ts", n), "x")
				d.close("g/s/playlist.m3u8", addressed(cdn+"g/s/", max(1, n-2), n))
				time.Sleep(4 * time.Second)
				if n > 3 {
					d.remove(fmt.Sprintf("g/s/%d.ts", n-3))
				}
			}
			time.Sleep(10 * time.Minute)
			_, segments := d.archived()
			for key, names := range segments {
				if len(names) != 6 {
					t.Errorf("with %q, %s lists %q", public, key, names)
				}
			}
			if len(segments) == 0 {
				t.Errorf("with %q, nothing is archived", public)
			}
			d.dest.Archive = false // the archive that is there is read, and keeps its chunks
			d.restarted(ended)
			d.scan()
			d.removeAll("g/s")
			time.Sleep(10 * time.Minute)
			d.wantThere("g/s/1.ts", "g/s/6.ts")
		})
	}
}
