// Package browser drives a headless Chromium, for tests of pages. It speaks the DevTools protocol
// over a pipe: JSON messages that end in a zero byte.
package browser

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/patience"
	"ems-sidecar/internal/testproc"
)

// A Page is the one page of a browser. Its methods are for one goroutine, and end the test if
// something is wrong.
type Page struct {
	t       testing.TB
	patient *patience.Clock
	to      io.Writer
	from    *bufio.Reader
	session string
	id      int

	complaints []string
	requests   []string
}

// Size is that of a window, in CSS pixels.
type Size struct{ Width, Height int }

// limit is how long the browser may take to answer, and a page to do what it is waited for.
const limit = 60 * time.Second

// Open opens a URL in a new browser, which ends with the test. Without Chromium the test is skipped.
func Open(t testing.TB, patient *patience.Clock, size Size, url string) *Page {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium")
	}
	if runtime.GOOS == "windows" {
		t.Skip("no descriptors to hand to chromium")
	}
	p := &Page{t: t, patient: patient}
	p.start(chromium, size)
	p.attach()
	p.Go(url)
	return p
}

func (p *Page) start(chromium string, size Size) {
	t := p.t
	t.Helper()
	toChromium, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, fromChromium, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "browser-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--mute-audio",
		"--no-first-run", "--disable-background-networking", fmt.Sprintf("--window-size=%d,%d", size.Width, size.Height),
		"--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{toChromium, fromChromium}
	if err := testproc.Bind(cmd).Start(); err != nil {
		t.Fatal(err)
	}
	toChromium.Close()
	fromChromium.Close()
	if err := from.SetReadDeadline(time.Now().Add(10 * time.Minute)); err != nil { // of a browser that hangs
		t.Fatal(err)
	}
	p.to, p.from = to, bufio.NewReader(from)
	t.Cleanup(func() {
		_ = p.send("Browser.close", nil) // it may be gone
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait() // however it ends
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
}

func (p *Page) attach() {
	p.t.Helper()
	var targets struct {
		TargetInfos []struct{ TargetID, Type string }
	}
	p.Call("Target.getTargets", nil, &targets)
	for _, target := range targets.TargetInfos {
		if target.Type == "page" {
			var attached struct{ SessionID string }
			p.Call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
			p.session = attached.SessionID
		}
	}
	for _, domain := range []string{"Runtime", "Log", "Network", "Page"} {
		p.Call(domain+".enable", nil, nil)
	}
}

// Go opens a URL, and waits until it is loaded.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.Call("Page.navigate", map[string]any{"url": url}, nil)
	p.WaitFor("document.readyState === 'complete' && location.href !== 'about:blank'")
}

// WaitFor waits until an expression is true.
func (p *Page) WaitFor(expression string) {
	p.t.Helper()
	for late := p.patient.Deadline(limit); p.Evaluate(expression) != "true"; {
		if late() {
			p.t.Fatalf("not true after %v: %s\nthe page is\n%s", limit, expression, p.Text("body"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Evaluate returns the value of an expression as JSON. A promise is waited for.
func (p *Page) Evaluate(expression string) string {
	p.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	p.Call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true},
		&answer)
	if answer.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, answer.ExceptionDetails)
	}
	return string(answer.Result.Value)
}

// Read reads the value of an expression.
func (p *Page) Read(expression string, value any) {
	p.t.Helper()
	if err := json.Unmarshal([]byte(p.Evaluate(expression)), value); err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
}

// Text returns the text of the element that a selector finds, as it is shown, or "".
func (p *Page) Text(selector string) (text string) {
	p.t.Helper()
	p.Read(fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector), &text)
	return text
}

// Complaints returns what the page or the browser has reported as wrong since it was called last,
// such as what the page's policy forbids.
func (p *Page) Complaints() []string {
	p.Evaluate("0") // reads what came before
	complaints := p.complaints
	p.complaints = nil
	return complaints
}

// Requests returns the URLs that were asked for.
func (p *Page) Requests() []string {
	p.Evaluate("0")
	return append([]string{}, p.requests...)
}

// Call sends a command of the protocol and reads its answer into result. Of events in between,
// complaints and requests are kept.
func (p *Page) Call(method string, params, result any) {
	p.t.Helper()
	if err := p.send(method, params); err != nil {
		p.t.Fatal(err)
	}
	for {
		line, err := p.from.ReadBytes(0)
		if err != nil {
			p.t.Fatalf("%s: %v", method, err)
		}
		var answer message
		if err := json.Unmarshal(line[:len(line)-1], &answer); err != nil {
			p.t.Fatal(err)
		}
		p.note(&answer, line)
		if answer.ID != p.id {
			continue
		}
		if answer.Error != nil {
			p.t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				p.t.Fatal(err)
			}
		}
		return
	}
}

// A message is an answer or an event.
type message struct {
	ID     int
	Result json.RawMessage
	Error  *struct{ Message string }
	Method string
	Params struct {
		Type    string
		Entry   struct{ Level string }
		Request struct{ URL string }
	}
}

func (p *Page) note(m *message, text []byte) {
	switch {
	case m.Method == "Runtime.exceptionThrown", m.Method == "Runtime.consoleAPICalled" && m.Params.Type == "error",
		m.Method == "Log.entryAdded" && m.Params.Entry.Level == "error":
		p.complaints = append(p.complaints, string(text[:len(text)-1]))
	case m.Method == "Network.requestWillBeSent" && strings.HasPrefix(m.Params.Request.URL, "http"): // not data:
		p.requests = append(p.requests, m.Params.Request.URL)
	}
}

func (p *Page) send(method string, params any) error {
	p.id++
	m := map[string]any{"id": p.id, "method": method}
	if params != nil {
		m["params"] = params
	}
	if p.session != "" && method != "Browser.close" {
		m["sessionId"] = p.session
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = p.to.Write(append(text, 0))
	return err
}
