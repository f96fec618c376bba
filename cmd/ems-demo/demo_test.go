package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/media"
)

// runDemo runs the demo with o in this process until ctx ends, and waits for the addresses that it prints first. The
// channels give what it prints then, and how it ended.
func runDemo(ctx context.Context, t *testing.T, o options, log *slog.Logger) (string, <-chan []byte, <-chan error) {
	t.Helper()
	o.Listen, o.S3Listen, o.Keep = "127.0.0.1:0", "127.0.0.1:0", time.Minute
	if o.temp == "" {
		o.temp = t.TempDir()
	}
	printed, out := io.Pipe()
	result, rest := make(chan error, 1), make(chan []byte, 1)
	go func() {
		err := run(ctx, o, out, log)
		out.Close()
		result <- err
	}()
	var text []byte
	buffer := make([]byte, 4096)
	for !bytes.Contains(text, []byte("Ctrl-C")) {
		n, err := printed.Read(buffer)
		if err != nil {
			t.Fatal(err, <-result)
		}
		text = append(text, buffer[:n]...)
	}
	go func() {
		b, _ := io.ReadAll(printed)
		rest <- b
	}()
	return string(text), rest, result
}

// The whole demo in this process, at twenty times the speed. On a busy machine the streams go
// slower, too: EMS would delete chunks there before a daemon without a processor could see them.
func TestDemo(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var complaints bytes.Buffer
	o := options{Format: playable, speed: 20, now: patient.Time, temp: temp}
	text, rest, result := runDemo(ctx, t, o,
		slog.New(slog.NewTextHandler(&complaints, &slog.HandlerOptions{Level: slog.LevelWarn})))
	page, streams := urls(t, text)
	if len(streams) != len(playable) {
		t.Fatalf("streams %v, want %d", streams, len(playable))
	}

	// While it plays: the manifests move on, and what they name is there.
	for _, f := range playable {
		s, err := newStream(f)
		if err != nil {
			t.Fatal(err)
		}
		watch(t, s.output(), strings.TrimSuffix(streams[f.String()], s.output().entry))
	}
	loop, _ := newTestHDSLoop(t)
	walk := &hdsWalk{entry: streams["HDS"], loop: loop}
	if !patient.Within(t, 30*time.Second, "a seam is met", func() bool { walk.once(t); return walk.seams > 0 }) {
		t.Fatalf("%d walks through %d fragments have not met a seam", walk.walks, walk.read)
	}
	for _, file := range []string{"", "page.js", "page.css", "hls.light.min.js", "dash.mediaplayer.min.js"} {
		if status, body := get(t, page+file); status != http.StatusOK || len(body) == 0 {
			t.Errorf("page %q: status %d, %d bytes", file, status, len(body))
		}
	}
	var answer struct {
		Streams []struct {
			URL string
			status
		}
		Recent []event
	}
	if _, body := get(t, page+"status"); json.Unmarshal(body, &answer) != nil || len(answer.Streams) != len(playable) ||
		len(answer.Recent) == 0 {
		t.Fatalf("status: %s", body)
	}
	for _, s := range answer.Streams {
		if s.URL != streams[s.Format] || s.InBucket == 0 || s.Listed == 0 {
			t.Errorf("status: %+v", s)
		}
	}

	if status, body := get(t, address(string(text), "status")+"api/v1/streams"); status != http.StatusOK ||
		!strings.Contains(string(body), `"stream":"`+groupName+"/"+streamName+`"`) {
		t.Errorf("the daemon's status page: %d %.300s", status, body)
	}
	if second := address(string(text), "second"); second != "" {
		api, err := emsapi.New(emsapi.Settings{URL: second})
		if err != nil {
			t.Fatal(err)
		}
		streams, err := api.ListStreams(t.Context())
		if err != nil || !slices.ContainsFunc(streams, func(s emsapi.Stream) bool { return s.Inbound() && s.Name == streamName }) {
			t.Errorf("the second media server has no stream: %v", err)
		}
	}

	stop()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(<-rest)), "\n")
	for i, f := range playable {
		end := lines[len(lines)-len(playable)+i]
		if !strings.Contains(end, f.String()) || !strings.Contains(end, "ended") || strings.Contains(end, "NOT THERE") {
			t.Errorf("the last line of %s is %q", f, end)
		}
	}
	for line := range strings.Lines(complaints.String()) {
		timeout := strings.Contains(line, "no answer within") || strings.Contains(line, "timeout")
		if !timeout || !patient.Busy() { // the store, too, goes without a processor then
			t.Errorf("complaint: %s", line)
		}
	}
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// address returns the URL that was printed after a word.
func address(printed, word string) string {
	for line := range strings.Lines(printed) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == word {
			return f[1]
		}
	}
	return ""
}

// watch looks at the output in the bucket until it has been through its recording once and further.
func watch(t *testing.T, o output, bucket string) {
	t.Helper()
	beyond := map[media.Format]uint64{media.HLS: 12, media.HDS: 9, media.DASH: 45000}[o.layout.Format]
	var last uint64
	for late := patient.Deadline(30 * time.Second); last < beyond; time.Sleep(50 * time.Millisecond) {
		if late() {
			t.Fatalf("%s: it is at %d after 30 s, want %d", o.index, last, beyond)
		}
		status, content := get(t, bucket+o.index)
		if status == http.StatusNotFound && last == 0 {
			continue // no chunk yet
		}
		m, err := o.parse(o.index, content)
		if err != nil {
			t.Fatalf("%s: status %d: %v", o.index, status, err)
		}
		if m.Sequence < last {
			t.Fatalf("%s goes back from %d to %d", o.index, last, m.Sequence)
		}
		last = m.Sequence
		for _, key := range named(o.index, m) {
			if status, _ := get(t, bucket+key); status != http.StatusOK {
				t.Fatalf("%s: status %d", key, status)
			}
		}
	}
	status, content := get(t, bucket+o.entry)
	entry, err := o.parse(o.entry, content)
	if err != nil {
		t.Fatalf("%s: status %d: %v", o.entry, status, err)
	}
	for _, key := range named(o.entry, entry) {
		if status, _ := get(t, bucket+key); status != http.StatusOK {
			t.Errorf("%s: status %d", key, status)
		}
	}
}

func TestDemoEndsAfterItsDuration(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	var printed, complaints bytes.Buffer
	// In the middle of the first chunks.
	o := options{Format: playable, Listen: "127.0.0.1:0", S3Listen: "127.0.0.1:0", Keep: time.Minute,
		Duration: 2 * time.Second, temp: temp}
	began := time.Now()

	err := run(t.Context(), o, &printed, slog.New(slog.NewTextHandler(&complaints, &slog.HandlerOptions{Level: slog.LevelWarn})))

	// The daemon waits one and a half target durations for the end of a stream that has not told of
	// it.
	if took := time.Since(began); err != nil || took < o.Duration || took > 20*time.Second || complaints.Len() > 0 {
		t.Errorf("it ended with %v after %s; complaints: %s", err, took, &complaints)
	}
	if n := strings.Count(printed.String(), "ended"); n != len(playable) {
		t.Errorf("%d streams of %d have ended:\n%s", n, len(playable), &printed)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestDemoSaysWhichAddressIsTaken(t *testing.T) {
	temp := t.TempDir()
	o := options{Format: playable, Listen: "127.0.0.1:0", S3Listen: "127.0.0.1:1:1", Keep: time.Minute, temp: temp}

	err := run(t.Context(), o, io.Discard, slog.New(slog.DiscardHandler))

	if err == nil || !strings.Contains(err.Error(), "S3 server") {
		t.Errorf("error %v, want one about the S3 server", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestServerOnAllAddressesIsReachableUnderTheRequestsHost(t *testing.T) {
	for _, c := range []struct{ address, host, want string }{
		{"http://127.0.0.1:9000/b/x.m3u8", "example.org:8080", "http://127.0.0.1:9000/b/x.m3u8"},
		{"http://[::]:9000/b/x.m3u8", "example.org:8080", "http://example.org:9000/b/x.m3u8"},
		{"http://[::]:9000/", "localhost", "http://localhost:9000/"},
		{"http://0.0.0.0:9000/b/x.m3u8", "[::1]:8080", "http://[::1]:9000/b/x.m3u8"},
	} {
		if got := reachable(c.address, c.host); got != c.want {
			t.Errorf("reachable(%q, %q) is %q, want %q", c.address, c.host, got, c.want)
		}
	}
}

// urls returns the addresses that the demo printed.
func urls(t *testing.T, text string) (page string, streams map[string]string) {
	t.Helper()
	streams = make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^(page|HLS|HDS|DASH) +(http://\S+)$`).FindAllStringSubmatch(text, -1) {
		if m[1] == "page" {
			page = m[2]
		} else {
			streams[m[1]] = m[2]
		}
	}
	if page == "" || len(streams) == 0 {
		t.Fatalf("no URLs in %q", text)
	}
	return page, streams
}

func get(t *testing.T, url string) (int, []byte) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}
