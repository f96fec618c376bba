package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var playFor = flag.Duration("play", 8*time.Second, "how long the players of the tests watch the stream")

// A process is the built demo, running.
type process struct {
	page, stream string

	cmd  *exec.Cmd
	temp string
	read chan string // all that it printed, when it has ended
}

// startDemo builds the demo and starts it. At the test's end it gets the signal of Ctrl-C, must exit with
// code 0 in a few seconds, and may leave nothing in the temporary directory.
func startDemo(t *testing.T) *process {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signal to end a process with")
	}
	binary := filepath.Join(t.TempDir(), "ems-demo")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	p := &process{temp: t.TempDir(), read: make(chan string, 1)}
	p.cmd = exec.Command(binary)
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
		late := time.AfterFunc(15*time.Second, func() { _ = p.cmd.Process.Kill() })
		defer late.Stop()
		_ = p.cmd.Process.Signal(os.Interrupt)
		printed := <-p.read
		if err := p.cmd.Wait(); err != nil || complaints.Len() > 0 || strings.Contains(printed, "NOT THERE") {
			t.Errorf("the demo ends with %v; it complains:\n%s\nit printed:\n%s", err, &complaints, printed)
		}
		if left, err := os.ReadDir(p.temp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v (%v)", left, err)
		}
	})
	select {
	case text := <-started:
		p.page, p.stream = urls(t, text)
	case <-time.After(10 * time.Second):
		t.Fatal("the demo does not start")
	}
	return p
}

// waitForChunk returns when the bucket has something to play.
func (p *process) waitForChunk(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if status, _ := get(t, p.stream); status == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing to play after 20 s")
		}
	}
}

func TestFFmpegReadsTheStreamWithoutAnError(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	t.Parallel()
	demo := startDemo(t)
	demo.waitForChunk(t)

	ctx, cancel := context.WithTimeout(t.Context(), *playFor+time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, ffmpeg, "-nostdin", "-v", "error", "-xerror", "-progress", "pipe:1",
		"-i", demo.stream, "-t", fmt.Sprint(playFor.Seconds()), "-f", "null", "-").CombinedOutput()

	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// All that it prints is its progress, which are key=value lines.
	frames := ""
	for line := range strings.Lines(string(out)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.ContainsAny(key, " [") {
			t.Errorf("ffmpeg: %s", line)
		}
		if key == "frame" {
			frames = value
		}
	}
	t.Logf("%s pictures in %s", frames, *playFor)
	if frames == "" || frames == "0" {
		t.Error("no picture")
	}
}
