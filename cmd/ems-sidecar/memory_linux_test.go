package main

import "syscall"

// peakMemory is the most that an ended process had in memory, in bytes.
func (s *sidecar) peakMemory() int64 {
	return s.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}
