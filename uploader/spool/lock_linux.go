package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock locks the directory until it is closed, or this process ends. An open file in it would keep its file system from
// being unmounted; the name of a socket, which no file stands for, does not. It is known to all processes in the same
// network namespace, whoever runs them and whatever they see below /tmp and /run.
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
	name := fmt.Sprintf("@ems-sidecar/spool/%x/%x", st.Dev, st.Ino) // the directory, by whichever path
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		unix.Close(fd)
		if errors.Is(err, unix.EADDRINUSE) {
			return nil, errLocked
		}
		return nil, os.NewSyscallError("bind", err)
	}
	return socket(fd), nil
}

// A socket is a descriptor of one.
type socket int

func (s socket) Close() error { return unix.Close(int(s)) }
