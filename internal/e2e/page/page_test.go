package page

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/testdata/hls"
)

// play writes a stream of chunks until stop is closed. Their media are recorded.
func play(t *testing.T, dir string, lasts time.Duration, stop <-chan struct{}) {
	names, err := fs.Glob(hls.Files, "live1/*.ts")
	if err != nil || len(names) == 0 {
		t.Errorf("recorded chunks: %d, %v", len(names), err)
		return
	}
	w := emswriter.HLS{Dir: dir, Target: lasts}
	if err := w.Start(); err != nil {
		t.Error(err)
		return
	}
	for n := 0; ; n++ {
		select {
		case <-stop:
			if err := w.Abandon(); err != nil {
				t.Error(err)
			}
			return
		case <-time.After(lasts):
		}
		chunk, err := fs.ReadFile(hls.Files, names[n%len(names)])
		if err == nil {
			_, err = w.Write(chunk)
		}
		if err != nil {
			t.Error(err)
			return
		}
		if err := w.Next(lasts); err != nil {
			t.Error(err)
			return
		}
	}
}

// A stage has two streams, a bucket, the daemon, and a browser with the page.
type stage struct {
	*testing.T
	page  *browser.Page
	side  *e2e.Sidecar
	start func() *e2e.Sidecar
}

// row is the selector of a stream's row.
func row(stream string) string { return fmt.Sprintf(`tr:has(a[href="#/stream/hls/%s"])`, stream) }

// waitForState waits until a stream's row has that state.
func (s *stage) waitForState(stream, state string) {
	s.Helper()
	s.page.WaitFor(fmt.Sprintf(`document.querySelector('%s td.state')?.innerText.trim() === %q`, row(stream), state))
}

// rows returns the streams of the table, in its order.
func (s *stage) rows() (names []string) {
	s.Helper()
	s.page.Read(`[...document.querySelectorAll("table.streams tbody th a")].map((a) => a.textContent)`, &names)
	return names
}

// Without a browser, TestChangesAreSentAndNothingElse and the tests of the API show what the page is told.
func TestBrowserSeesTheStreamsOfTheDaemon(t *testing.T) {
	long.Only(t)
	t.Parallel()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("no chromium")
	}
	server := s3test.Start(t)
	root := t.TempDir()
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	address := e2e.FreeAddress(t)
	config := e2e.ConfigFile(t, e2e.ConfigFor(root, server.Endpoint, address, "Admin player = daemon"))
	s := &stage{T: t, start: func() *e2e.Sidecar {
		side := e2e.Launch(t, exec.Command(path, "run", "--config", config), address)
		side.WaitForReady()
		return side
	}}
	s.side = s.start()

	e2e.Must(t, os.MkdirAll(filepath.Join(root, "news"), 0o755))
	var playing sync.WaitGroup
	stop, freeze := make(chan struct{}), make(chan struct{})
	playing.Go(func() { play(t, filepath.Join(root, "news", "sport"), 2*time.Second, stop) })
	playing.Go(func() { play(t, filepath.Join(root, "news", "talk"), time.Second, freeze) })
	defer playing.Wait()
	defer close(stop)

	s.page = browser.Open(t, e2e.Patient, browser.Size{Width: 1280, Height: 900}, "http://"+address+"/")
	s.waitForState("news/sport", "live")
	s.waitForState("news/talk", "live")
	audit(t, s.page, "the streams")

	t.Log("sort and filter")
	s.sortAndFilter(address)
	t.Log("a change without a reload")
	s.page.Evaluate("window.same = true")
	close(freeze)
	s.waitForState("news/talk", "stalled")
	s.page.WaitFor(`document.getElementById("overall").innerText.trim() === "1 live, 1 stalled: news/talk"`)
	if s.page.Evaluate("window.same") != "true" {
		t.Error("the page was loaded again")
	}
	if got := s.rows(); len(got) != 2 || got[0] != "news/talk" {
		t.Errorf("the streams are %q, want the worst first", got)
	}
	t.Log("one stream")
	s.oneStream()
	t.Log("the other views")
	s.otherViews()
	t.Log("a restart")
	s.restart()
	for _, complaint := range s.page.Complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
	local(t, s.page, address)
}

// sortAndFilter clicks on the heads of columns, and types into the filter. The URL keeps both.
func (s *stage) sortAndFilter(address string) {
	s.Helper()
	s.page.Click("th.stream button")
	s.page.WaitFor(`location.hash === "#/?sort=stream"`)
	if got := s.rows(); strings.Join(got, " ") != "news/sport news/talk" {
		s.Errorf("sorted by their names: %q", got)
	}
	s.page.Click("th.stream button")
	s.page.WaitFor(`location.hash === "#/?sort=stream&order=reverse"`)
	if got := s.rows(); strings.Join(got, " ") != "news/talk news/sport" {
		s.Errorf("in reverse: %q", got)
	}
	s.page.Click("#filter")
	s.page.Type("SPO")
	s.page.WaitFor(`location.hash.startsWith("#/?q=SPO")`)
	s.page.Evaluate("location.reload()")
	s.page.WaitFor(`document.querySelector("#filter")?.value === "SPO"`)
	s.waitForState("news/sport", "live")
	if got := s.rows(); strings.Join(got, " ") != "news/sport" {
		s.Errorf("with the filter, after a reload: %q", got)
	}
	s.page.Go("http://" + address + "/#/")
	s.page.WaitFor(`document.querySelectorAll("table.streams tbody th a").length === 2`)
	s.page.Evaluate(`[...document.querySelectorAll(".chip")].find((c) => c.innerText.includes("live")).focus()`)
	s.page.Press("Enter")
	s.page.WaitFor(`location.hash === "#/?state=live"`)
	s.page.Press("Enter")
	s.page.WaitFor(`location.hash === "#/"`)
}

// oneStream looks at a stream's path, manifests and events, and plays it.
func (s *stage) oneStream() {
	s.Helper()
	s.page.Click(row("news/sport") + " a")
	s.page.WaitFor(`document.querySelector("h1")?.innerText.includes("news/sport")`)
	// A chunk that has made all its steps.
	s.page.WaitFor(`[...document.querySelectorAll("table.path tbody tr")].some((r) => r.querySelectorAll("time").length >= 5)`)
	s.page.WaitFor(`document.querySelector("table.manifests")?.innerText.includes("news/sport/playlist.m3u8")`)
	s.page.WaitFor(`document.querySelector("table.events tbody")?.innerText.includes("stream is live")`)
	s.page.Click("button.play")
	s.page.WaitFor(`(document.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 20`)
	if width := s.page.Evaluate("document.querySelector('video').videoWidth"); width != "320" {
		s.Errorf("the picture is %s wide, want 320", width)
	}
	audit(s.T, s.page, "a stream")
	s.page.Resize(browser.Size{Width: 375, Height: 812})
	audit(s.T, s.page, "a stream on a phone")
	if wide := s.page.Evaluate("document.documentElement.scrollWidth"); wide != "375" {
		s.Errorf("on a phone the page is %s wide, want 375", wide)
	}
	s.page.Resize(browser.Size{Width: 1280, Height: 900})
}

func (s *stage) otherViews() {
	s.Helper()
	for view, shows := range map[string]string{
		"events": "news/talk", "plugins": "No plugin is on", "config": "watch_dir",
	} {
		s.page.Click(`nav a[data-view="` + view + `"]`)
		s.page.WaitFor(fmt.Sprintf(`document.getElementById("view").innerText.includes(%q)`, shows))
		audit(s.T, s.page, view)
	}
	if text := s.page.Text("#view"); strings.Contains(text, s3test.SecretKey) {
		s.Error("the page shows a secret")
	}
	s.page.Click(`nav a[data-view="streams"]`)
	s.waitForState("news/sport", "live")
}

// restart kills the daemon and starts it again: the page says so, keeps its rows, and is back.
func (s *stage) restart() {
	s.Helper()
	for _, complaint := range s.page.Complaints() {
		s.Errorf("the browser complains: %s", complaint)
	}
	s.page.Evaluate(`window.fewest = 99;
		setInterval(() => { fewest = Math.min(fewest, document.querySelectorAll("table.streams tbody th a").length); }, 10); 0`)
	s.side.Kill()
	s.page.WaitFor(`/^not connected, as of \d\d:\d\d:\d\d$/.test(document.getElementById("connection").innerText)`)
	s.page.WaitFor(`getComputedStyle(document.getElementById("view")).opacity < 1`)
	s.side = s.start()
	s.page.WaitFor(`document.getElementById("connection").innerText === "connected"`)
	s.waitForState("news/sport", "live")
	s.page.WaitFor(`!document.querySelector("tr.missing") && getComputedStyle(document.getElementById("view")).opacity === "1"`)
	if fewest := s.page.Evaluate("fewest"); fewest != "2" {
		s.Errorf("meanwhile there were %s rows, want 2 always", fewest)
	}
	if s.page.Evaluate("window.same") != "true" {
		s.Error("the page was loaded again")
	}
	for _, complaint := range s.page.Complaints() { // that no one listened
		if !strings.Contains(complaint, "net::ERR_") {
			s.Errorf("the browser complains: %s", complaint)
		}
	}
}
