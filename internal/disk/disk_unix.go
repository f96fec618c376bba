//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"syscall"
)

const (
	nonblock  = syscall.O_NONBLOCK // an open waits neither for a FIFO's writer nor for a device
	noFollow  = syscall.O_NOFOLLOW
	directory = syscall.O_DIRECTORY
)

// isSpecial reports whether an open failed because the name is that of a socket, a device or a
// symbolic link.
func isSpecial(err error) bool {
	return errors.Is(err, syscall.ENXIO) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ELOOP) ||
		errors.Is(err, syscall.EOPNOTSUPP)
}

// Device returns the number of the device that a file is on, or 0.
func Device(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev)
	}
	return 0
}
