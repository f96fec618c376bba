package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// A Usage is what a process has of the machine.
type Usage struct {
	Memory      int // resident, in KiB
	Threads     int
	Files       int // open
	Connections int // which are kept for a while when nothing is to be sent
}

func (u Usage) String() string {
	return fmt.Sprintf("%.1f MiB, %d threads, %d open files, %d connections", float64(u.Memory)/1024, u.Threads, u.Files,
		u.Connections)
}

// Usage returns what the daemon has now.
func (s *Sidecar) Usage() (u Usage) {
	s.T.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.Cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	Must(s.T, err)
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "VmRSS: %d", &u.Memory)
		fmt.Sscanf(line, "Threads: %d", &u.Threads)
	}
	files, err := os.ReadDir(proc + "fd")
	Must(s.T, err)
	for _, f := range files {
		if to, _ := os.Readlink(proc + "fd/" + f.Name()); strings.HasPrefix(to, "socket:") {
			u.Connections++
		} else {
			u.Files++
		}
	}
	return u
}

// Goroutines ends the daemon and returns how many goroutines it had, by the function that began them:
// without those of idle connections, and without the runtime's own, which begins some of them at the
// first collection of garbage. Goroutine 0 is none, but the stack of the thread that got the signal, if
// that ran no goroutine then.
func (s *Sidecar) Goroutines() map[string]int {
	s.T.Helper()
	Must(s.T, s.Cmd.Process.Signal(syscall.SIGQUIT))
	<-s.Ended
	s.Cmd.Wait()
	_, dump, _ := strings.Cut(s.Tail(1_000_000), "SIGQUIT: quit")
	found := map[string]int{}
	for _, stack := range strings.Split(dump, "\n\n") {
		if strings.HasPrefix(stack, "goroutine ") && !strings.HasPrefix(stack, "goroutine 0 ") &&
			!strings.Contains(stack, "net/http.(*persistConn)") {
			_, by, _ := strings.Cut(stack, "created by ")
			by, _, _ = strings.Cut(by, " in goroutine")
			if !strings.HasPrefix(by, "runtime.") {
				found[by]++
			}
		}
	}
	return found
}
