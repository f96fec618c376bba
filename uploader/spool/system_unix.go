//go:build unix

package spool

import (
	"os"
	"path"

	"golang.org/x/sys/unix"

	"ems-sidecar/internal/disk"
)

// linkBetween makes q in links a hard link to p in root. It follows no symbolic link.
func linkBetween(root, links *os.Root, p, q string) error {
	from, err := disk.OpenDirIn(root, path.Dir(p))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := disk.OpenDirIn(links, path.Dir(q))
	if err != nil {
		return err
	}
	defer to.Close()
	if err := unix.Linkat(int(from.Fd()), path.Base(p), int(to.Fd()), path.Base(q), 0); err != nil {
		return &os.LinkError{Op: "link", Old: p, New: q, Err: err}
	}
	// Since the closing, the name may have become that of another file.
	var st unix.Stat_t
	err = unix.Fstatat(int(to.Fd()), path.Base(q), &st, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		return nil
	}
	_ = unix.Unlinkat(int(to.Fd()), path.Base(q), 0) // a link that stays is never opened
	if err != nil {
		return &os.PathError{Op: "stat", Path: q, Err: err}
	}
	return &disk.NotRegularError{Path: p}
}

// fileSystem returns the device of dir and the size of its file system in bytes, or zeros if they
// are not known.
func fileSystem(dir string) (device uint64, size int64) {
	fi, err := os.Stat(dir)
	if err != nil {
		return 0, 0
	}
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) == nil {
		size = int64(st.Blocks) * int64(st.Bsize)
	}
	return disk.Device(fi), size
}

// openFiles returns how many files this process may have open. Go has raised that to the hard
// limit.
func openFiles() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 256 // all systems allow that many
	}
	return int(min(uint64(l.Cur), 1<<20))
}
