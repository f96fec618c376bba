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
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

// The whole demo in this process, at twenty times the speed.
func TestDemo(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var complaints bytes.Buffer
	printed, out := io.Pipe()
	result := make(chan error, 1)

	go func() {
		o := options{Listen: "127.0.0.1:0", S3Listen: "127.0.0.1:0", Keep: time.Minute, pace: 200 * time.Millisecond}
		err := run(ctx, o, out, slog.New(slog.NewTextHandler(&complaints, &slog.HandlerOptions{Level: slog.LevelWarn})))
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
	rest := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(printed)
		rest <- b
	}()
	page, stream := urls(t, string(text))

	// While it plays: the playlist moves on, and what it names is there.
	var last uint64
	for deadline := time.Now().Add(30 * time.Second); last < 12; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the media sequence is %d after 30 s", last)
		}
		status, body := get(t, strings.Replace(stream, "playlist.m3u8", "live1/playlist.m3u8", 1))
		if status == http.StatusNotFound && last == 0 {
			continue // no chunk yet
		}
		playlist, err := media.ParsePlaylist(body)
		if err != nil {
			t.Fatalf("status %d: %v", status, err)
		}
		if playlist.Sequence < last {
			t.Fatalf("the media sequence goes back from %d to %d", last, playlist.Sequence)
		}
		last = playlist.Sequence
		for reference := range playlist.References() {
			if status, _ := get(t, strings.Replace(stream, "playlist.m3u8", "live1/"+reference.URI, 1)); status != http.StatusOK {
				t.Fatalf("%s: status %d", reference.URI, status)
			}
		}
	}
	if status, master := get(t, stream); status != http.StatusOK || !bytes.Contains(master, []byte("live1/playlist.m3u8")) {
		t.Errorf("master playlist: status %d, %q", status, master)
	}
	for _, file := range []string{"", "page.js", "page.css", "hls.light.min.js"} {
		if status, body := get(t, page+file); status != http.StatusOK || len(body) == 0 {
			t.Errorf("page %q: status %d, %d bytes", file, status, len(body))
		}
	}
	var answer struct {
		Stream string
		Status status
		Recent []event
	}
	if _, body := get(t, page+"status"); json.Unmarshal(body, &answer) != nil || answer.Stream != stream ||
		answer.Status.InBucket == 0 || len(answer.Recent) == 0 {
		t.Errorf("status: %s", body)
	}

	stop()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(<-rest)), "\n")
	if end := lines[len(lines)-1]; !strings.Contains(end, "ended") || strings.Contains(end, "NOT THERE") {
		t.Errorf("the last line is %q", end)
	}
	if complaints.Len() > 0 {
		t.Errorf("complaints:\n%s", &complaints)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestDemoSaysWhichAddressIsTaken(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := options{Listen: "127.0.0.1:0", S3Listen: "127.0.0.1:1:1", Keep: time.Minute}

	err := run(t.Context(), o, io.Discard, slog.New(slog.DiscardHandler))

	if err == nil || !strings.Contains(err.Error(), "S3 server") {
		t.Errorf("error %v, want one about the S3 server", err)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
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
func urls(t *testing.T, text string) (page, stream string) {
	t.Helper()
	m := regexp.MustCompile(`(?s)page +(http://\S+).*stream +(http://\S+)`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no URLs in %q", text)
	}
	return m[1], m[2]
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
