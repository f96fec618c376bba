//go:build unix

package disk

import (
	"io/fs"
	"syscall"
)

// Nonblock keeps an open from waiting for a FIFO's writer.
const Nonblock = syscall.O_NONBLOCK

// Device returns the number of the device that a file is on, or 0.
func Device(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev)
	}
	return 0
}
