package watcher

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const mountTable = "/proc/self/mountinfo"

// A mountWatch notices that the mount table has changed. inotify does not report that a file system
// was mounted over a directory.
type mountWatch struct{ table int } // a descriptor, or -1

// newMountWatch opens the table as a bare descriptor: of an os.File, Go's own poller would get the
// change.
func newMountWatch() mountWatch {
	fd, err := unix.Open(mountTable, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return mountWatch{-1} // without /proc, no change is noticed
	}
	return mountWatch{fd}
}

func (w mountWatch) close() {
	if w.table >= 0 {
		_ = unix.Close(w.table)
	}
}

// changed reports whether the table has changed since the last call. It does not block.
func (w mountWatch) changed() bool {
	if w.table < 0 {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(w.table), Events: unix.POLLPRI}}
	err := ignoringEINTR(func() error { _, err := unix.Poll(fds, 0); return err })
	return err == nil && fds[0].Revents&(unix.POLLPRI|unix.POLLERR) != 0
}

// mountsBelow returns what is mounted below root, by mount point.
func mountsBelow(root string) map[string]mount {
	raw, err := os.ReadFile(mountTable)
	if err != nil {
		return nil
	}
	return parseMounts(string(raw), root)
}

// parseMounts parses lines of proc(5): id, parent, device, root, mount point, options, tags, "-",
// type, source, options.
func parseMounts(table, root string) map[string]mount {
	found := make(map[string]mount)
	for line := range strings.Lines(table) {
		before, after, ok := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kind) < 1 {
			continue
		}
		rel, below := strings.CutPrefix(unescape(fields[4]), strings.TrimSuffix(root, "/")+"/")
		if !below || rel == "" {
			continue
		}
		// The last line of a mount point is that of the topmost mount.
		found[rel] = mount{id: fields[0], fileSystem: kind[0]}
	}
	for rel, m := range found {
		if file, err := statfs(strings.TrimSuffix(root, "/") + "/" + rel); err == nil {
			m.shared = file.shared
			found[rel] = m
		}
	}
	return found
}

// unescape decodes \040 and the like: the table escapes blanks.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
