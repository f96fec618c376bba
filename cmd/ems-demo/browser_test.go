package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"testing"
	"time"

	"ems-sidecar/internal/long"
	"ems-sidecar/internal/testproc"
)

var screenshot = flag.String("screenshot", "", "file for a picture (PNG) of the page while it plays")

// Without a browser, TestHDSIsPlayableFromItsManifestOn and TestFFmpegReadsTheStreamsWithoutAnError
// play the streams.
func TestBrowserPlaysTheStreams(t *testing.T) {
	long.Only(t)
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium")
	}
	if runtime.GOOS == "windows" {
		t.Skip("no descriptors to hand to chromium")
	}
	t.Parallel()
	demo := startDemo(t, "hls,hds,dash")
	for _, format := range []string{"HLS", "HDS", "DASH"} {
		demo.waitForChunks(t, format, 1)
	}
	b := startBrowser(t, chromium, demo.page)
	videos := []string{"HLS", "DASH"}
	const started = 40 * time.Second
	for _, format := range videos {
		for late := patient.Deadline(started); b.number(t, "document.querySelector('#"+format+" video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0") == 0; {
			if late() {
				b.screenshot(t)
				t.Fatalf("%s: no picture after %s", format, started)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
	position := func(format string) float64 {
		return b.number(t, "document.querySelector('#"+format+" video').currentTime")
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
		if width := b.number(t, "document.querySelector('#"+format+" video').videoWidth"); width != 320 {
			t.Errorf("%s: the picture is %g wide, want 320", format, width)
		}
	}
	for format := range demo.streams {
		if missing := b.evaluate(t, "document.querySelector('#"+format+" .missing').textContent"); missing != `"0"` {
			t.Errorf("%s: the page tells of %s missing objects", format, missing)
		}
	}
	walked := b.evaluate(t, "document.querySelector('#HDS .found').textContent")
	t.Logf("%s; walks / fragments: %s", walked, b.evaluate(t, "document.querySelector('#HDS .latency').textContent"))
	if !regexp.MustCompile(`^"HDS: fragments \d+ to \d+ listed, all there"$`).MatchString(walked) {
		t.Errorf("the walk through HDS has found %s", walked)
	}
	b.screenshot(t)
	for _, complaint := range b.complaints {
		t.Errorf("the browser complains: %s", complaint)
	}
}

// screenshot takes the picture that is asked for.
func (b *browser) screenshot(t *testing.T) {
	t.Helper()
	if *screenshot == "" {
		return
	}
	var picture struct{ Data []byte }
	b.call(t, "Page.captureScreenshot", map[string]any{"format": "png"}, &picture)
	if err := os.WriteFile(*screenshot, picture.Data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A browser is a headless Chromium with one page, spoken to over its DevTools protocol: JSON
// messages that end in a zero byte, on the descriptors 3 and 4.
type browser struct {
	to      io.Writer
	from    *bufio.Reader
	session string
	id      int

	complaints []string // what the page or the browser has reported as wrong, such as what the page's policy forbids
}

func startBrowser(t *testing.T, chromium, url string) *browser {
	t.Helper()
	toChromium, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, fromChromium, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "ems-demo-browser-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--mute-audio",
		"--no-first-run", "--disable-background-networking", "--window-size=1100,1000",
		"--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{toChromium, fromChromium}
	if err := testproc.Bind(cmd).Start(); err != nil {
		t.Fatal(err)
	}
	toChromium.Close()
	fromChromium.Close()
	b := &browser{to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		_ = b.send("Browser.close", nil)
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait()
		to.Close()
		from.Close()
		// Its helpers may write to the profile for a moment more.
		for range 20 {
			if err = os.RemoveAll(profile); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Error(err)
	})
	if err := from.SetReadDeadline(time.Now().Add(playFor() + 90*time.Second)); err != nil {
		t.Fatal(err)
	}

	var targets struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	b.call(t, "Target.getTargets", nil, &targets)
	for _, target := range targets.TargetInfos {
		if target.Type == "page" {
			var attached struct{ SessionID string }
			b.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
			b.session = attached.SessionID
		}
	}
	b.call(t, "Runtime.enable", nil, nil)
	b.call(t, "Log.enable", nil, nil)
	b.call(t, "Page.navigate", map[string]any{"url": url}, nil)
	for late := patient.Deadline(10 * time.Second); b.evaluate(t, "document.readyState") != `"complete"`; {
		if late() {
			t.Fatal("the page does not load")
		}
		time.Sleep(50 * time.Millisecond)
	}
	return b
}

func (b *browser) number(t *testing.T, expression string) (n float64) {
	t.Helper()
	if err := json.Unmarshal([]byte(b.evaluate(t, expression)), &n); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return n
}

// evaluate returns the expression's value as JSON.
func (b *browser) evaluate(t *testing.T, expression string) string {
	t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		t.Fatalf("%s: %s", expression, answer.ExceptionDetails)
	}
	return string(answer.Result.Value)
}

// call sends a command and reads its answer into result. Of events in between, complaints are kept.
func (b *browser) call(t *testing.T, method string, params, result any) {
	t.Helper()
	if err := b.send(method, params); err != nil {
		t.Fatal(err)
	}
	for {
		line, err := b.from.ReadBytes(0)
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
			Method string
			Params struct {
				Type  string
				Entry struct{ Level string }
			}
		}
		if err := json.Unmarshal(line[:len(line)-1], &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Method == "Runtime.exceptionThrown" || answer.Method == "Runtime.consoleAPICalled" && answer.Params.Type == "error" ||
			answer.Method == "Log.entryAdded" && answer.Params.Entry.Level == "error" {
			b.complaints = append(b.complaints, string(line[:len(line)-1]))
		}
		if answer.ID != b.id {
			continue
		}
		if answer.Error != nil {
			t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
}

func (b *browser) send(method string, params any) error {
	b.id++
	message := map[string]any{"id": b.id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" && method != "Browser.close" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = b.to.Write(append(text, 0))
	return err
}
