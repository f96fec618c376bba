package writers

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/testproc"
)

// A row is one way to run a writer.
type row struct {
	name     string
	needs    []string // programs and files of the writer
	steps    []step
	config   []string // lines of the daemon's config
	play     []string // manifests below the root, for ffprobe
	ranges   bool     // ranges of a file are objects of their own
	outlive  bool     // the manifest means chunks that the writer has deleted
	short    bool     // part of the short form
	prefixed bool     // files have the names of their runs in front
	reuses   bool     // names return, and viewers see that
	absolute bool     // its addresses are absolute, and are published as they are
}

// A step is a part of a row's story, in order.
type step func(b *bench) error

// run runs a command of the shell in the root, to its end. Each run of a row has other pictures and
// another sound. @ROOT and @DIR are directories.
func run(command string) step {
	return func(b *bench) error {
		cmd := testproc.Bind(exec.Command("sh", "-c", "exec "+b.fill(command)))
		cmd.Dir = b.root
		out, err := cmd.CombinedOutput()
		if err != nil && !killed(cmd.ProcessState) {
			return fmt.Errorf("%s: %w\n%s", command, err, out)
		}
		if len(out) > 0 {
			b.t.Logf("%s", out)
		}
		return nil
	}
}

// killed tells of a command that its own story killed: timeout ends by the signal that it sends.
func killed(p *os.ProcessState) bool {
	status, ok := p.Sys().(syscall.WaitStatus)
	return ok && (status.Signaled() && status.Signal() == syscall.SIGKILL ||
		status.ExitStatus() == 128+int(syscall.SIGKILL))
}

// rest lets the writer be away.
func rest(d time.Duration) step {
	return func(*bench) error {
		e2e.Patient.Sleep(d)
		return nil
	}
}

// pictures are the sources of the runs.
var pictures = []string{"testsrc", "testsrc2", "smptebars"}

// input returns ffmpeg's arguments for a live source of so many seconds. A key picture comes each
// half second.
func input(run int, seconds float64) string {
	return fmt.Sprintf("-nostdin -v error -re -t %g -f lavfi -i %s=size=64x36:rate=10 -re -t %g -f lavfi -i sine=frequency=%d",
		seconds, pictures[run], seconds, 300*(run+1))
}

const encoded = " -c:v libx264 -threads 1 -preset ultrafast -tune zerolatency -g 5 -keyint_min 5 -sc_threshold 0 " +
	"-pix_fmt yuv420p -c:a aac -b:a 32k "

// ffmpeg runs it with one picture and one sound.
func ffmpeg(of int, seconds float64, output string) step {
	return run("ffmpeg -y " + input(of, seconds) + encoded + output)
}

// crashes is ffmpeg that is killed after the seconds.
func crashes(of int, seconds float64, output string) step {
	return run(fmt.Sprintf("timeout -s KILL %g ffmpeg -y ", seconds) + input(of, 60) + encoded + output)
}
