package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/testproc"
)

var playFor = long.Duration("play", 5*time.Second, 8*time.Second, "how long the players of the tests watch the stream")

// A process is the built demo, running.
type process struct {
	page    string
	streams map[string]string // by format

	cmd  *exec.Cmd
	temp string
	read chan string // all that it printed, when it has ended
}

// buildDemo returns the path of the built demo. All tests share it.
var buildDemo = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(binaryDir, "ems-demo")
	return binary, e2e.Build("ems-sidecar/cmd/ems-demo", binary)
})

// startDemo starts the built demo with these formats. At the test's end it gets the signal of
// Ctrl-C, must exit with code 0 in a few seconds, and may leave nothing in the temporary directory.
func startDemo(t *testing.T, formats string) *process {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signal to end a process with")
	}
	binary, err := buildDemo()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{temp: t.TempDir(), read: make(chan string, 1)}
	p.cmd = testproc.Bind(exec.Command(binary, "-format", formats))
	p.cmd.Env = append(os.Environ(), "TMPDIR="+p.temp)
	var complaints bytes.Buffer
	p.cmd.Stderr = &complaints
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started := make(chan string, 1)
	go func() {
		var text strings.Builder
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			text.WriteString(lines.Text() + "\n")
			if strings.HasPrefix(lines.Text(), "Ctrl-C") {
				started <- text.String()
			}
		}
		p.read <- text.String()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(os.Interrupt)
		var printed string
		ended := patient.Within(t, 15*time.Second, "the demo's end", func() bool {
			select {
			case printed = <-p.read:
				return true
			default:
				return false
			}
		})
		if !ended {
			_ = p.cmd.Process.Kill()
			printed = <-p.read
		}
		if err := p.cmd.Wait(); err != nil || complaints.Len() > 0 || strings.Contains(printed, "NOT THERE") {
			t.Errorf("the demo ends with %v; it complains:\n%s\nit printed:\n%s", err, &complaints, printed)
		}
		if left, err := os.ReadDir(p.temp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v (%v)", left, err)
		}
	})
	patient.Within(t, 10*time.Second, "the demo's start", func() bool {
		select {
		case text := <-started:
			p.page, p.streams = urls(t, text)
			return true
		default:
			return false
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return p
}

// waitForChunks returns when the bucket's manifest of the format lists so many chunks.
func (p *process) waitForChunks(t *testing.T, format string, n int) {
	t.Helper()
	listed := func() bool { return p.status(t, format).Listed >= n }
	if !patient.Within(t, 40*time.Second, fmt.Sprintf("%s: %d chunks are listed", format, n), listed) {
		t.FailNow()
	}
}

// status returns what the demo tells of a format.
func (p *process) status(t *testing.T, format string) status {
	t.Helper()
	var answer struct{ Streams []status }
	_, body := get(t, p.page+"status")
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, s := range answer.Streams {
		if s.Format == format {
			return s
		}
	}
	t.Fatalf("no %s: %s", format, body)
	return status{}
}

func TestFFmpegReadsTheStreamsWithoutAnError(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	t.Parallel()
	demo := startDemo(t, "hls,dash")
	for _, c := range []struct {
		format string
		chunks int // to begin with
		flags  []string
	}{
		{"HLS", 1, nil},
		// At the live edge, ffmpeg's DASH demuxer tries to guess the name of the next chunk, as
		// fast as it can, until the manifest has it. At the stream's own speed it stays behind the
		// edge.
		{"DASH", 4, []string{"-re"}}, // of video and audio
	} {
		t.Run(c.format, func(t *testing.T) {
			t.Parallel()
			demo.waitForChunks(t, c.format, c.chunks)
			ctx, cancel := context.WithTimeout(t.Context(), playFor()+time.Minute)
			defer cancel()
			args := append([]string{"-nostdin", "-v", "error", "-xerror", "-progress", "pipe:1"}, c.flags...)
			args = append(args, "-i", demo.streams[c.format], "-t", fmt.Sprint(playFor().Seconds()), "-f", "null", "-")
			out, err := exec.CommandContext(ctx, ffmpeg, args...).CombinedOutput()

			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			// All that it prints is its progress, which are key=value lines.
			frames := 0
			for line := range strings.Lines(string(out)) {
				key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
				if !ok || strings.ContainsAny(key, " [") {
					t.Errorf("ffmpeg: %s", line)
				}
				if key == "frame" {
					frames, _ = strconv.Atoi(value)
				}
			}
			t.Logf("%d pictures in %s", frames, playFor())
			if want := int(playFor().Seconds() * 24); frames < want {
				t.Errorf("%d pictures in %s, want %d at least", frames, playFor(), want)
			}
		})
	}
}
