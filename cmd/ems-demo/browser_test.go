package main

import (
	"flag"
	"fmt"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/long"
)

var screenshot = flag.String("screenshot", "", "file for a picture (PNG) of the page while it plays")

// Without a browser, TestHDSIsPlayableFromItsManifestOn and TestFFmpegReadsTheStreamsWithoutAnError
// play the streams.
func TestBrowserPlaysTheStreams(t *testing.T) {
	long.Only(t)
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("no chromium")
	}
	t.Parallel()
	demo := startDemo(t, "hls,hds,dash")
	for _, format := range []string{"HLS", "HDS", "DASH"} {
		demo.waitForChunks(t, format, 1)
	}
	b := browser.Open(t, patient, browser.Size{Width: 1100, Height: 1000}, demo.page)
	picture := func() {
		if *screenshot != "" {
			b.Screenshot(*screenshot)
		}
	}
	number := func(expression string) (n float64) { b.Read(expression, &n); return n }
	videos := []string{"HLS", "DASH"}
	const started = 40 * time.Second
	for _, format := range videos {
		for late := patient.Deadline(started); number("document.querySelector('#"+format+" video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0") == 0; {
			if late() {
				picture()
				t.Fatalf("%s: no picture after %s", format, started)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	position := func(format string) float64 {
		return number("document.querySelector('#" + format + " video').currentTime")
	}
	before := make(map[string]float64)
	for _, format := range videos {
		before[format] = position(format)
	}
	time.Sleep(playFor())

	for _, format := range videos {
		played := position(format) - before[format]
		t.Logf("%s: currentTime went on by %.1f s in %s", format, played, playFor())
		if want := playFor().Seconds() - 2; played < want || played > playFor().Seconds()+2 {
			t.Errorf("%s: currentTime went on by %.1f s in %s", format, played, playFor())
		}
		if width := number("document.querySelector('#" + format + " video').videoWidth"); width != 320 {
			t.Errorf("%s: the picture is %g wide, want 320", format, width)
		}
	}
	for format := range demo.streams {
		if missing := b.Evaluate("document.querySelector('#" + format + " .missing').textContent"); missing != `"0"` {
			t.Errorf("%s: the page tells of %s missing objects", format, missing)
		}
	}
	walked := b.Evaluate("document.querySelector('#HDS .found').textContent")
	t.Logf("%s; walks / fragments: %s", walked, b.Evaluate("document.querySelector('#HDS .latency').textContent"))
	if !regexp.MustCompile(`^"HDS: fragments \d+ to \d+ listed, all there"$`).MatchString(walked) {
		t.Errorf("the walk through HDS has found %s", walked)
	}
	picture()
	goesOnAfterADrop(t, b)
	for _, complaint := range b.Complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
}

// goesOnAfterADrop has the encoder drop. The same player goes on when it returns: one that stopped
// would be a complaint.
func goesOnAfterADrop(t *testing.T, b *browser.Page) {
	t.Helper()
	const video = "document.querySelector('#HLS video')"
	b.Evaluate("window.before = " + video + "; 0")
	var from float64
	b.Read(video+".currentTime", &from)
	b.Click("[data-trouble=drop]")
	b.WaitFor("document.querySelector('[data-trouble=drop]').getAttribute('aria-pressed') === 'true'")
	b.WaitFor("document.querySelector('[data-trouble=drop]').getAttribute('aria-pressed') === 'false'")
	// It has 20 s at most of the run before: more is of the new one.
	b.WaitFor(fmt.Sprintf("%s.currentTime > %f + 25", video, from))
	if b.Evaluate(video+" === window.before") != "true" {
		t.Error("the page has another player than before")
	}
}
