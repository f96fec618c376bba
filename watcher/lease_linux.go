package watcher

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"ems-sidecar/media"
)

// probeFile looks at a file and asks the kernel whether a process has it open for writing: then a
// read lease is refused with EAGAIN (fcntl(2)). A writer that opens the file while the lease is
// held waits until it is dropped, so it is held for a microsecond. Raw system calls keep Go's
// scheduler from interfering. The kernel reports such a writer with SIGIO, which Go ignores unless
// a program asks for it.
func probeFile(path string) (look, error) {
	var st unix.Stat_t
	// Only regular files may be opened: a FIFO's writer would notice, and a device might do
	// anything.
	if err := ignoringEINTR(func() error { return unix.Lstat(path, &st) }); err != nil {
		return look{}, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	if l := lookOf(&st); l.mode != 0 {
		return l, nil
	}
	fd := -1
	err := ignoringEINTR(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		return err
	})
	switch {
	case errors.Is(err, unix.EAGAIN): // under someone else's lease
		l := lookOf(&st)
		l.writers = busy
		return l, nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return look{}, &fs.PathError{Op: "open", Path: path, Err: err}
	case err != nil:
		return lookOf(&st), nil // the reader of the file will get the same error, and can say what it means
	}
	defer func() { _ = unix.Close(fd) }()

	w := unknown
	var noLease error
	_, _, errno := unix.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	err = unix.Fstat(fd, &st) // before the lease is dropped: this version has no writer
	switch errno {
	case 0:
		_, _, _ = unix.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
		w = free
	case unix.EAGAIN:
		w = busy
	default:
		noLease = errno
	}
	if err != nil {
		return look{}, &fs.PathError{Op: "fstat", Path: path, Err: err}
	}
	l := lookOf(&st)
	l.writers, l.noLease = w, noLease
	return l, nil
}

func lookOf(st *unix.Stat_t) look {
	l := look{version: media.Version{
		Size:    st.Size,
		ModTime: time.Unix(st.Mtim.Unix()),
		Inode:   st.Ino,
	}}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		l.mode = fs.ModeDir
	case unix.S_IFLNK:
		l.mode = fs.ModeSymlink
	case unix.S_IFIFO:
		l.mode = fs.ModeNamedPipe
	case unix.S_IFSOCK:
		l.mode = fs.ModeSocket
	default:
		l.mode = fs.ModeDevice
	}
	return l
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
