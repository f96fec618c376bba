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

// named returns a playlist of n names.
func named(pattern string, n int) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:4\n")
	for i := range n {
		fmt.Fprintf(&b, "#EXTINF:4,\n"+pattern+"\n", i)
	}
	return b.String() + "#EXT-X-ENDLIST\n"
}

// A manifest that names too much is left out, with one line that says by how much; nothing is made
// of what it names, other streams go on, and it is published when it names less.
func TestManifestThatNamesTooMuchIsLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		limit   int
		what    string
	}{
		"segments":                {named("%d.ts", media.MaxReferences+1), media.MaxReferences, "references"},
		"children":                {strings.ReplaceAll(named("%d.m3u8", media.MaxManifests+1), "EXTINF:4,", "EXT-X-STREAM-INF:BANDWIDTH=1"), media.MaxManifests, "manifests"},
		"children of other names": {strings.ReplaceAll(named("%d", media.MaxManifests+1), "EXTINF:4,", "EXT-X-STREAM-INF:BANDWIDTH=1"), media.MaxManifests, "manifests"},
		"manifests as segments":   {named("%d.m3u8", media.MaxManifests+1), media.MaxManifests, "manifests"},
		"directories":             {named("%d/x.ts", maxDirectories+1), maxDirectories, "directories"},
		"deep directories":        {named("a/b/c/%d/x.ts", 20_000), maxDirectories, "directories"},
		"bytes of names":          {named(strings.Repeat("d/", 60)+"%d.ts", 49_000), maxNames, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.start()
				evil := "evil"
				if c.what == "bytes" {
					evil += strings.Repeat("/"+strings.Repeat("e", 250), 2)
				}
				for range 3 {
					d.close(evil+"/playlist.m3u8", c.content)
					settle()
				}
				lines := d.log.lines(slog.LevelError, "")
				if len(lines) != 1 {
					t.Fatalf("%d lines: %q", len(lines), lines)
				}
				for _, s := range []string{"manifest is not published", "stream=" + evil[:min(len(evil), 200)], "key=" + evil + "/playlist.m3u8", c.what, "count=", fmt.Sprint("limit=", c.limit)} {
					if !strings.Contains(lines[0], s) {
						t.Errorf("%q does not say %q", lines[0], s)
					}
				}
				if n := d.names(); n > 1 {
					t.Errorf("%d files are known", n)
				}
				d.live("good", 1, 3, time.Second)
				settle()
				if d.bucket.content("good/playlist.m3u8") == "" {
					t.Error("another stream is not published")
				}
				d.close(evil+"/1.ts", "x")
				d.close(evil+"/playlist.m3u8", playlist(1, 1)) // it names less
				settle()
				if d.bucket.content(evil+"/playlist.m3u8") == "" {
					t.Error("it is not published when it names less")
				}
			})
		})
	}
}

// What is just within the limits is published.
func TestManifestThatNamesMuchIsPublished(t *testing.T) {
	for name, c := range map[string]string{
		"segments": named("https://else.where/%d.ts", media.MaxReferences),
		"children": strings.ReplaceAll(named("https://else.where/%d.m3u8", media.MaxManifests), "EXTINF:4,", "EXT-X-STREAM-INF:BANDWIDTH=1"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.start()
				d.close("g/playlist.m3u8", c)
				settle()
				if d.bucket.content("g/playlist.m3u8") != c {
					t.Error("it is not published")
				}
			})
		})
	}
}

// A manifest with more references than are prepared at once is published as others are.
func TestManifestThatIsPreparedInSlicesIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		const n = 5000
		content := named("%d.ts", n)
		for i := range n - 1 { // of all but the last, nothing was ever seen
			d.bucket.mayMiss[fmt.Sprintf("g/s/%d.ts", i)] = true
		}
		d.write(fmt.Sprintf("g/s/%d.ts", n-1), "x")
		d.close("g/s/playlist.m3u8", content)
		time.Sleep(10 * time.Minute)
		got := d.bucket.content("g/s/playlist.m3u8") // without the gaps at its head
		if !strings.Contains(got, fmt.Sprintf("%d.ts", n-1)) || strings.Contains(got, fmt.Sprintf("%d.ts", n-2)) {
			t.Errorf("published is %.200q", got)
		}
	})
}

// One manifest that takes long to read has its turn less often, and arrives.
func TestManifestThatTakesLongIsReadLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := make(pace)
		begun := time.Now()
		time.Sleep(200 * time.Millisecond)
		w.took("long", begun)
		if at := w.next("long"); at != time.Now().Add(2*time.Second) {
			t.Errorf("it is read again after %v", time.Until(at))
		}
		w.took("short", time.Now())
		if at := w.next("short"); !at.IsZero() {
			t.Errorf("one that takes no time is read again after %v", time.Until(at))
		}

		d := newDesk(t, Settings{})
		d.start()
		d.src.reported.pace["g/s/playlist.m3u8"] = time.Now().Add(2 * time.Second)
		d.close("g/s/1.ts", "x")
		d.close("g/s/playlist.m3u8", playlist(1, 1, "#EXT-X-ENDLIST"))
		settle()
		if d.bucket.content("g/s/playlist.m3u8") != "" {
			t.Error("it is read at once")
		}
		time.Sleep(2 * time.Second)
		settle()
		if d.bucket.content("g/s/playlist.m3u8") == "" {
			t.Error("its end does not arrive")
		}
	})
}

// A file of the stream that a playlist names by a whole address is waited for, and uploaded although
// only its name in a manifest makes it wanted. What another host has is not waited for.
func TestR2AddressesOfTheStreamsOwnFilesAreWaitedFor(t *testing.T) {
	for name, base := range map[string]string{
		"a host's": "https://cdn.example.com/live/g/s/", "a host's root": "/live/g/s/", "another directory": "https://cdn.example.com/",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.start()
				d.write("g/s/1.m4s", "one")
				content := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-MAP:URI=\"" + base + "init.mp4\"\n#EXTINF:4,\n" +
					base + "1.m4s\n#EXTINF:4,\nhttps://ads.example.com/ad.ts\n"
				d.close("g/s/playlist.m3u8", content)
				settle()
				if d.bucket.content("g/s/playlist.m3u8") != "" {
					t.Error("it does not wait for its files")
				}
				d.close("g/s/init.mp4", "init")
				time.Sleep(5 * time.Second)
				if d.bucket.content("g/s/1.m4s") != "one" || d.bucket.content("g/s/init.mp4") != "init" {
					t.Error("its files are not uploaded")
				}
				if d.bucket.content("g/s/playlist.m3u8") != content {
					t.Error("it is not published")
				}
			})
		})
	}
}

func TestAPathOnThisHostInAPlaylistIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.start()
		d.close("g/s/1.ts", "one")
		for _, more := range []string{"", "#EXT-X-ENDLIST\n"} {
			d.close("g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n"+d.src.dir+"/g/s/1.ts\n"+more)
			time.Sleep(5 * time.Second)
		}
		lines := d.log.lines(slog.LevelWarn, "by a path on this host")
		if len(lines) != 1 || !strings.Contains(lines[0], "key=g/s/playlist.m3u8") {
			t.Errorf("the log has %q", lines)
		}
	})
}
