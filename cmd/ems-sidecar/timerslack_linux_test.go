package main

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
)

// The daemon wakes up for its timers as seldom as it can: all of its threads have the slack, also those
// that the Go runtime has started by itself.
func TestAllThreadsOfTheDaemonHaveTheSlack(t *testing.T) {
	s := e2e.StartSidecar(t, t.TempDir(), "http://127.0.0.1:1")
	threads, err := os.ReadDir("/proc/" + strconv.Itoa(s.Cmd.Process.Pid) + "/task")
	e2e.Must(t, err)
	for _, thread := range threads {
		text, err := os.ReadFile("/proc/" + thread.Name() + "/timerslack_ns")
		switch slack, bad := strconv.Atoi(strings.TrimSpace(string(text))); {
		case errors.Is(err, fs.ErrPermission):
			t.Skip("only with CAP_SYS_NICE can the slack of another process be read")
		case errors.Is(err, fs.ErrNotExist):
			continue // the thread has ended
		case err != nil || bad != nil || time.Duration(slack) != timerSlack:
			t.Errorf("thread %s has a slack of %q, %v", thread.Name(), text, err)
		}
	}
}
