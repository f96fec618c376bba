//go:build unix

package testbin

import (
	"errors"
	"os"
	"syscall"
)

// lock waits until no other process has the file locked. The lock ends with the file, or the process.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
