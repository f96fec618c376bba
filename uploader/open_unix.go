//go:build unix

package uploader

import (
	"io/fs"
	"syscall"
)

// openNonblock keeps open from waiting for a FIFO's writer.
const openNonblock = syscall.O_NONBLOCK

// deviceOf returns the number of the disk that a file is on.
func deviceOf(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev)
	}
	return 0
}
