//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/internal/testproc"
)

// Log rotation, a closed terminal and "systemctl kill -s HUP" send SIGHUP. It is no reason to stop,
// nor to stop without draining.
func TestHangupsStopNothing(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	root := t.TempDir()
	side := e2e.StartSidecar(t, root, proxy.Endpoint, "Upload drain_timeout = 1h")
	hangUp := func(times int, message string) {
		t.Helper()
		e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGHUP))
		side.WaitFor("the word of a hangup", func() bool { return len(side.Lines(message)) == times })
	}

	for i := range 3 {
		hangUp(i+1, "config reloaded")
	}
	proxy.Befall(s3test.Stall())
	e2e.Put(t, root, "g/s/1.ts", "one")
	side.WaitFor("the chunk on its way", func() bool { return len(e2e.Puts(proxy)) > 0 })
	e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGTERM))
	side.WaitFor("the word that it stops", func() bool { return len(side.Lines("msg=stopping")) > 0 })
	hangUp(1, "config not reloaded")
	proxy.Mend()

	<-side.Ended
	side.Cmd.Wait()
	if code := side.Cmd.ProcessState.ExitCode(); code != exitFine {
		t.Errorf("exit code %d", code)
	}
}

// The kernel gives signals to the main thread, which runs nothing that could hang in a file system.
func TestMainThreadOnlyWaits(t *testing.T) {
	t.Parallel()
	side := e2e.StartSidecar(t, t.TempDir(), "http://127.0.0.1:1")
	e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGQUIT)) // prints all goroutines
	<-side.Ended
	side.Cmd.Wait()
	_, dump, _ := strings.Cut(side.Tail(10_000), "\ngoroutine 1 ")
	dump, _, _ = strings.Cut(dump, "\n\n")
	if !strings.Contains(dump, "[chan receive, locked to thread]") {
		t.Errorf("the main goroutine is\n%s", dump)
	}
}

// Whatever becomes of the log's reader, streams are published, and SIGTERM ends the daemon.
func TestLogThatGoesNowhereStopsNothing(t *testing.T) {
	t.Parallel()
	const direct, closed = `exec "$0" "$@"`, `exec "$0" "$@" 2>&-`
	for name, test := range map[string]struct {
		shell  string
		stderr func(t *testing.T) *os.File
		twice  bool // the bucket does not answer when SIGTERM comes, and it comes again
	}{
		"closed at the start":                    {shell: closed},
		"a reader that has gone":                 {direct, brokenPipe, false},
		"a reader that never reads":              {direct, fullPipe, false},
		"a reader that never reads, two signals": {direct, fullPipe, true},
		"a disk that is full":                    {direct, fullDisk, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := s3test.Start(t)
			proxy := s3test.NewProxy(t, server)
			root := t.TempDir()
			path, err := e2e.BuildBinary()
			e2e.Must(t, err)
			admin := e2e.FreeAddress(t)
			ini := filepath.Join(t.TempDir(), "config.ini")
			e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, proxy.Endpoint, admin, "Upload drain_timeout = 1h")), 0o600))
			cmd := testproc.Bind(exec.Command("sh", "-c", test.shell, path, "run", "--config", ini))
			if test.stderr != nil {
				cmd.Stderr = test.stderr(t)
			}
			e2e.Must(t, cmd.Start())
			ended := make(chan struct{})
			go func() { cmd.Wait(); close(ended) }()
			t.Cleanup(func() { cmd.Process.Kill(); <-ended })
			side := &e2e.Sidecar{T: t, Cmd: cmd, Admin: admin}
			side.WaitForReady()

			var playlist strings.Builder
			playlist.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:4\n")
			for i := range 30 {
				e2e.Put(t, root, fmt.Sprintf("g/s/%d.ts", i), "a chunk")
				fmt.Fprintf(&playlist, "#EXTINF:4,\n%d.ts\n", i)
			}
			e2e.Put(t, root, "g/s/playlist.m3u8", playlist.String()+"#EXT-X-ENDLIST\n")
			side.WaitFor("the playlist in the bucket", func() bool {
				_, err := server.Object("g/s/playlist.m3u8")
				return err == nil
			})

			if test.twice {
				proxy.Befall(s3test.Stall())
				e2e.Put(t, root, "g/s/30.ts", "another chunk")
				side.WaitFor("the chunk on its way", func() bool { return strings.HasSuffix(strings.Join(e2e.Puts(proxy), " "), "/30.ts") })
			}
			e2e.Must(t, cmd.Process.Signal(syscall.SIGTERM))
			side.WaitFor("the end", func() bool {
				if test.twice {
					cmd.Process.Signal(syscall.SIGTERM) // again, as the log does not say when the first was taken
				}
				select {
				case <-ended:
					return true
				default:
					return false
				}
			})
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if test.twice != (status.Signaled() && status.Signal() == syscall.SIGTERM) || !test.twice && status.ExitStatus() != exitFine {
				t.Errorf("it ends with %v", cmd.ProcessState)
			}
		})
	}
}

func brokenPipe(t *testing.T) *os.File {
	r, w, err := os.Pipe()
	e2e.Must(t, err)
	e2e.Must(t, r.Close())
	t.Cleanup(func() { w.Close() })
	return w
}

// fullPipe returns a pipe that takes nothing more, and that is read only when the test is over.
func fullPipe(t *testing.T) *os.File {
	r, w, err := os.Pipe()
	e2e.Must(t, err)
	e2e.Must(t, w.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
	for err == nil {
		_, err = w.Write(make([]byte, 4096))
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	// The daemon gets it as a shell gives it: blocking.
	e2e.Must(t, syscall.SetNonblock(int(w.Fd()), false))
	return w
}

func fullDisk(t *testing.T) *os.File {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// The reader of another command's output may go away, too; it goes on to its end and exit code.
func TestCommandOutlivesTheReaderOfItsOutput(t *testing.T) {
	t.Parallel()
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	for _, args := range [][]string{{"version"}, {"check", "--config", filepath.Join(t.TempDir(), "absent.ini")}} {
		cmd := exec.Command(path, args...)
		gone := brokenPipe(t)
		cmd.Stdout, cmd.Stderr = gone, gone
		cmd.Run() // the status tells
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
			t.Errorf("%q ends by %v", args, status.Signal())
		}
	}
}
