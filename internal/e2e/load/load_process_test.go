//go:build linux

package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/internal/testproc"
	"ems-sidecar/media"
	"ems-sidecar/watcher"
)

// cpuTime returns the time that all threads of a process have spent on a processor, to the
// nanosecond, where /proc counts in steps of 10 ms.
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	clock := int32(^pid)<<3 | 2 // clock_getcpuclockid(3)
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		t.Fatalf("CPU time of process %d: %v", pid, err)
	}
	return time.Duration(ts.Nano())
}

// idleTimes returns how long all processors together were idle, and how long they were idle while a
// process waited for a disk. The kernel measures both. What it calls busy it only samples, at its
// ticks, and misses a writer that wakes up after each.
func idleTimes(t testing.TB) (idle, iowait time.Duration) {
	t.Helper()
	b, err := os.ReadFile("/proc/stat")
	e2e.Must(t, err)
	var user, nice, system, i, w int64
	if _, err := fmt.Sscanf(string(b), "cpu %d %d %d %d %d", &user, &nice, &system, &i, &w); err != nil {
		t.Fatalf("/proc/stat: %v", err)
	}
	const tick = 10 * time.Millisecond
	return time.Duration(i) * tick, time.Duration(w) * tick
}

// serverPID returns the process of s.
func serverPID(t testing.TB, s *s3test.Server) int {
	t.Helper()
	address := "\x00" + strings.TrimPrefix(s.Endpoint, "http://") + "\x00"
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	e2e.Must(t, err)
	for _, name := range all {
		b, _ := os.ReadFile(name) // it may have ended
		if bytes.Contains(b, []byte(address)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			return pid
		}
	}
	t.Fatal("the S3 server's process is not found")
	return 0
}

// What a watch process is told by its environment.
const (
	watchRoot    = "EMS_SIDECAR_TEST_WATCH_ROOT"
	watchBackend = "EMS_SIDECAR_TEST_WATCH_BACKEND"
)

// TestWatchProcess is the process that only watches. It says when it is ready, and answers each
// line with what it has seen so far.
func TestWatchProcess(t *testing.T) {
	root := os.Getenv(watchRoot)
	if root == "" {
		t.Skip("a part of the load test, which runs it as a process of its own")
	}
	backend, err := watcher.ParseBackend(os.Getenv(watchBackend))
	e2e.Must(t, err)
	w := watcher.New(root, watcher.Options{Backend: backend, Quick: isManifest})
	events := make(chan watcher.Event)
	go w.Run(context.Background(), events)
	var mu sync.Mutex // guards all and closed
	all, closed := 0, map[string]int{}
	go func() {
		for e := range events {
			mu.Lock()
			all++
			if e.Op == watcher.Closed && !isManifest(e.Path) {
				closed[e.Path]++
			}
			mu.Unlock()
		}
	}()
	<-w.Ready()
	fmt.Println("ready")
	for ask := bufio.NewScanner(os.Stdin); ask.Scan(); {
		mu.Lock()
		fmt.Println(len(closed), all, w.State().Overflows)
		mu.Unlock()
	}
	os.Exit(0) // without a word more
}

func isManifest(p string) bool {
	return media.Layout{Format: media.HLS}.Kind(p).Role == media.ManifestFile
}

// A watchProcess is a process in which nothing runs but the watcher.
type watchProcess struct {
	t   testing.TB
	pid int
	in  io.Writer
	out *bufio.Reader
}

func startWatchProcess(t testing.TB, root, backend string) *watchProcess {
	t.Helper()
	cmd := testproc.Bind(exec.Command(os.Args[0], "-test.run", "^TestWatchProcess$"))
	cmd.Env = append(os.Environ(), watchRoot+"="+root, watchBackend+"="+backend)
	in, err := cmd.StdinPipe()
	e2e.Must(t, err)
	out, err := cmd.StdoutPipe()
	e2e.Must(t, err)
	e2e.Must(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the watch process: %v", err)
		}
	})
	p := &watchProcess{t: t, pid: cmd.Process.Pid, in: in, out: bufio.NewReader(out)}
	if line := p.line(); line != "ready\n" {
		t.Fatalf("the watch process says %q", line)
	}
	return p
}

func (p *watchProcess) line() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("the watch process: %v", err)
	}
	return line
}

// seen returns how many chunks were closed, how many events there were, and how often the queue was
// full.
func (p *watchProcess) seen() (chunks, events, overflows int) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		p.t.Fatal(err)
	}
	if _, err := fmt.Sscan(p.line(), &chunks, &events, &overflows); err != nil {
		p.t.Fatal(err)
	}
	return chunks, events, overflows
}
