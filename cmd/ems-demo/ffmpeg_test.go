package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ems-sidecar/media"
)

// ffmpeg writes, drops and returns, and the stream goes on; at the end, the bucket has all of it.
func TestFFmpegWritesTheStream(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	text, rest, result := runDemo(ctx, t, options{FFmpeg: true, Format: formats{media.HLS}}, slog.New(slog.DiscardHandler))
	page, streams := urls(t, text)
	if address(text, "ems") != "" {
		t.Errorf("there is a media server:\n%s", text)
	}
	has := func(what string) {
		t.Helper()
		if !patient.Within(t, 30*time.Second, "the playlist has "+what, func() bool {
			status, body := get(t, streams["HLS"])
			return status == http.StatusOK && strings.Contains(string(body), what)
		}) {
			t.Fatalf("the playlist does not get %s", what)
		}
	}
	has(ffmpegChunk)
	trouble(t, page+"troubles/encoder?on=true") // what stands still ends all the same
	trouble(t, page+"troubles/drop?on=true")
	trouble(t, page+"troubles/drop?on=false")
	trouble(t, page+"troubles/encoder?on=false")
	has("#EXT-X-DISCONTINUITY\n")
	stop()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(<-rest)), "\n")
	if end := lines[len(lines)-1]; !strings.Contains(end, "ended") || strings.Contains(end, "NOT THERE") {
		t.Errorf("the last line is %q", end)
	}
}

func trouble(t *testing.T, url string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Demo", "1")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", url, answer.Status)
	}
}

func TestWithoutFFmpegTheDemoSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := run(t.Context(), options{FFmpeg: true}, io.Discard, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "apt install ffmpeg") {
		t.Errorf("without ffmpeg: %v", err)
	}
	if err := (options{FFmpeg: true, Format: formats{media.DASH}, Keep: time.Hour}).check(); err == nil {
		t.Error("--ffmpeg --format dash is allowed")
	}
}

func TestFFmpegThatFailsIsExplained(t *testing.T) {
	if _, err := exec.LookPath("false"); err != nil {
		t.Skip("no program that fails")
	}
	s := ffmpegStream{"false"}
	err := s.play(t.Context(), stage{root: t.TempDir(), encoder: newEncoder(), closing: func(string) {}})
	if err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("a program that ends: %v", err)
	}
}
