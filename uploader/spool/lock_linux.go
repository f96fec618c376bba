package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock locks the directory until the result is closed, or this process ends. The lock is an
// abstract socket name. An open file would keep the file system from being unmounted; such a name
// does not. All processes in the same network namespace see it, whatever user runs them and
// whatever they see below /tmp and /run.
func lock(dir string) (io.Closer, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	name := fmt.Sprintf("@ems-sidecar/spool/%x/%x", st.Dev, st.Ino) // of the directory, not of its path
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		unix.Close(fd)
		if errors.Is(err, unix.EADDRINUSE) {
			return nil, errLocked
		}
		return nil, os.NewSyscallError("bind", err)
	}
	return socket(fd), nil
}

// A socket is the descriptor of a socket.
type socket int

func (s socket) Close() error { return unix.Close(int(s)) }
