package uploader

import (
	"fmt"
	"log/slog"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// numbered returns an MPD as GStreamer's dashsink and ffmpeg's -use_timeline 0 write it: it says what
// segments are called and how long they are, and the clock says which exist.
func numbered(media, published string) string {
	return `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="2026-11-30T08:14:03Z" ` +
		`publishTime="` + published + `" minimumUpdatePeriod="PT2S"><Period id="0"><AdaptationSet><Representation id="v">` +
		`<SegmentTemplate media="` + media + `" duration="2"/></Representation></AdaptationSet></Period></MPD>`
}

// Whether the manifest is written with each segment, or once: each segment is published, also one
// with a name of another format, what exists when the manifest is read goes before it, and the stream
// is well. The manifest is not sent for what it does not say.
func TestSegmentsThatOnlyTheClockTellsArePublished(t *testing.T) {
	for name, c := range map[string]struct {
		pattern   string
		rewritten bool
	}{
		"GStreamer, rewritten": {"v_%d.ts", true},
		"written once":         {"v_%d.ts", false},
		"in a directory":       {"media/%d.webm", false},
		"m4s":                  {"%05d.m4s", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, media.Layout{Format: media.DASH}, Settings{})
				d.start()
				template := strings.NewReplacer("%05d", "$Number%05d$", "%d", "$Number$").Replace(c.pattern)
				d.close("g/s/manifest.mpd", numbered(template, "0"))
				for n := 1; n <= 20; n++ {
					p := "g/s/" + fmt.Sprintf(c.pattern, n)
					d.close(p, fmt.Sprint("segment ", n))
					if c.rewritten {
						d.close("g/s/manifest.mpd", numbered(template, fmt.Sprint(n)))
					}
					time.Sleep(time.Second)
					if d.bucket.content(p) == "" {
						t.Fatalf("%s is not published: %q", p, d.bucket.keys())
					}
					if n > 5 {
						d.remove("g/s/" + fmt.Sprintf(c.pattern, n-5))
					}
					time.Sleep(time.Second)
				}
				d.wantState(path.Dir("g/s/"+c.pattern), health.Live, "")
				if c.rewritten && !strings.Contains(d.bucket.content("g/s/manifest.mpd"), `publishTime="20"`) {
					t.Error("the manifest does not move")
				}
				d.bucket.mu.Lock()
				sent := d.bucket.attempts["g/s/manifest.mpd"]
				d.bucket.mu.Unlock()
				if !c.rewritten && sent != 1 {
					t.Errorf("the manifest was sent %d times, and says the same", sent)
				}
				if lines := d.log.lines(slog.LevelWarn, ""); d.lost() != 0 || len(lines) > 0 {
					t.Errorf("%d lost, %q", d.lost(), lines)
				}
			})
		})
	}
}

// The segments that exist when the manifest is read go before it.
func TestManifestWaitsForTheSegmentsThatExist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.DASH}, Settings{})
		d.start()
		for n := range 3 {
			d.close(fmt.Sprintf("g/s/%d.mp4", n+1), "x") // perhaps of another format
		}
		settle()
		if n := len(d.bucket.keys()); n > 0 {
			t.Fatalf("published before a manifest names them: %q", d.bucket.keys())
		}
		d.close("g/s/manifest.mpd", numbered("$Number$.mp4", "0"))
		time.Sleep(time.Second)
		d.bucket.mu.Lock()
		puts := d.bucket.puts
		d.bucket.mu.Unlock()
		if len(puts) != 4 || puts[3] != "g/s/manifest.mpd" {
			t.Errorf("%q", puts)
		}
	})
}

// A writer that starts again gives the names of the run before to its segments, one after the other. Its
// manifest does not wait until it has given all: what was there before it began is not meant.
func TestManifestOfANewRunDoesNotWaitForNamesOfTheRunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeskFor(t, media.Layout{Format: media.DASH}, Settings{})
		d.start()
		run := func(segments int) (began string) {
			began = time.Now().UTC().Format(time.RFC3339)
			for n := 1; n <= segments; n++ {
				d.close(fmt.Sprintf("g/s/%d.m4s", n), began+" "+fmt.Sprint(n))
				if n == 1 {
					d.close("g/s/manifest.mpd", strings.Replace(numbered("$Number$.m4s", began), "2026-11-30T08:14:03Z", began, 1))
				}
				time.Sleep(time.Second)
			}
			return began
		}
		run(20)
		time.Sleep(5 * time.Second)
		if began := run(5); !strings.Contains(d.bucket.content("g/s/manifest.mpd"), began) {
			t.Errorf("after 5 s, the manifest is %s", d.bucket.content("g/s/manifest.mpd"))
		}
	})
}

// Where names have no order, the manifest waits for nothing, and the log says so once.
func TestSegmentsWithoutAnOrderAreLoggedOnce(t *testing.T) {
	for _, template := range []string{"$Number$/a.m4s", "$Number$-$SubNumber$.m4s"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDeskFor(t, media.Layout{Format: media.DASH}, Settings{})
			d.start()
			for n := range 3 {
				d.close(fmt.Sprintf("g/s/%d/a.m4s", n), "x")
				d.close("g/s/manifest.mpd", numbered(template, fmt.Sprint(n)))
				time.Sleep(2 * time.Second)
			}
			if !strings.Contains(d.bucket.content("g/s/manifest.mpd"), `publishTime="2"`) || d.bucket.content("g/s/2/a.m4s") == "" {
				t.Errorf("the bucket has %q", d.bucket.keys())
			}
			if lines := d.log.lines(slog.LevelWarn, "manifest does not tell which segments exist"); len(lines) != 1 {
				t.Errorf("%q", lines)
			}
		})
	}
}

func TestSeriesAreForgottenWithTheirManifest(t *testing.T) {
	book := newSeriesBook()
	video := media.Pattern{Dir: "g/s/v", Before: "v", After: ".m4s"}
	audio := media.Pattern{Dir: "g/s/v", Before: "a", After: ".m4s"}
	want := func(p, manifest string) {
		t.Helper()
		if got := book.manifestOf(p); got != manifest {
			t.Errorf("%s is of %q, want %q", p, got, manifest)
		}
	}
	book.learn("one.mpd", []media.Pattern{video}, nil)
	book.learn("two.mpd", []media.Pattern{audio}, nil)
	want("g/s/v/v7.m4s", "one.mpd")
	book.learn("one.mpd", nil, nil)
	want("g/s/v/v7.m4s", "")
	want("g/s/v/a7.m4s", "two.mpd")
	book.forget("two.mpd")
	want("g/s/v/a7.m4s", "")
	if n := len(book.byDir) + len(book.dirs); n > 0 {
		t.Errorf("%d directories are remembered", n)
	}
}
