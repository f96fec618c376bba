package disk

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// SendFile has the kernel send at most n bytes of f, from the offset off on, to a socket that does not
// block. It returns how many were sent, and whether the socket takes no more now. If not, and fewer than
// n were sent, the rest has to be read and written: who does that gets the error.
func SendFile(socket uintptr, f syscall.Conn, off, n int64) (sent int64, full bool) {
	file, err := f.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = file.Control(func(fd uintptr) { // which stays open meanwhile
		for sent < n {
			some, err := unix.Sendfile(int(socket), int(fd), &off, int(n-sent))
			sent += int64(max(0, some))
			if err != unix.EINTR && some <= 0 {
				full = err == unix.EAGAIN
				return
			}
		}
	})
	return sent, full && err == nil
}
