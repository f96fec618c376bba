package main

import (
	"fmt"
	"os"
	"strings"
)

// peakMemory is the most that a running process has had in memory, in bytes. What the kernel says of one that has ended
// counts the process that started it, too.
func (s *sidecar) peakMemory() (bytes int64) {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	must(s.t, err)
	_, most, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscanf(most, "%d kB", &bytes); err != nil {
		s.t.Fatal(err)
	}
	return bytes << 10
}
