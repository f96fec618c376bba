package e2e

import (
	"fmt"
	"os"
	"strings"
)

// PeakMemory is the most that a running process has had in memory, in bytes. What the kernel says
// of one that has ended counts the process that started it, too.
func (s *Sidecar) PeakMemory() (bytes int64) {
	s.T.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Cmd.Process.Pid))
	Must(s.T, err)
	_, most, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscanf(most, "%d kB", &bytes); err != nil {
		s.T.Fatal(err)
	}
	return bytes << 10
}
