package players

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/testproc"
)

// An ffmpeg is one that reads a stream, as a transcoder or a recorder does.
type ffmpeg struct {
	layout
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
}

func startFFmpeg(t *testing.T, l layout, url string) *ffmpeg {
	t.Helper()
	f := &ffmpeg{layout: l, ended: make(chan struct{})}
	f.cmd = testproc.Bind(exec.Command("ffmpeg", "-nostdin", "-v", "error", "-i", url, "-c", "copy", "-f", "null", "-"))
	f.cmd.Stdout, f.cmd.Stderr = &f.output, &f.output
	e2e.Must(t, f.cmd.Start())
	go func() {
		_ = f.cmd.Wait() // that it ended is what counts
		close(f.ended)
	}()
	t.Cleanup(func() {
		_ = f.cmd.Process.Kill() // it may have ended
		<-f.ended
	})
	return f
}

// leave ends it and returns what it has read. It chooses the best variant.
func (f *ffmpeg) leave(s *stage, chunks int) seat {
	at := seat{Player: "ffmpeg", Stream: f.name, Errors: map[string]int{}}
	select {
	case <-f.ended:
		at.Ended = true
	default:
		_ = f.cmd.Process.Kill() // it may end now
		<-f.ended
	}
	for line := range strings.Lines(f.output.String()) {
		at.Errors[kindOf(line)]++
	}
	for _, t := range s.tracks {
		if t.layout.name == f.name && t.video != "" {
			at.New = max(at.New, s.gateway.requested("ffmpeg", t.names[:chunks]))
		}
	}
	return at
}

// kindOf cuts numbers and addresses from a line of the log.
func kindOf(line string) string {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "[") {
		_, line, _ = strings.Cut(line, "] ")
	}
	kind, _, _ := strings.Cut(line, ":")
	return kind
}
