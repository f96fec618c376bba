package watcher

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	inotifyMask = unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM |
		unix.IN_DELETE_SELF | unix.IN_ONLYDIR | unix.IN_EXCL_UNLINK
	// The root may be a symbolic link, because the operator names it. No link below it is followed.
	inotifyRootMask = inotifyMask | unix.IN_MOVE_SELF
	inotifyDirMask  = inotifyMask | unix.IN_DONT_FOLLOW
)

// An inotify asks the kernel for closes and changes of names, not for writes: a chunk causes some
// events, not thousands.
type inotify struct {
	root string
	fd   int
	file *os.File // the same descriptor, non-blocking, so that Close wakes the reader
	out  chan batch
	stop chan struct{}
	done chan struct{}

	names map[int32]string // by watch descriptor; of the tree's goroutine
	ids   map[string]int32 // by directory; of the tree's goroutine
}

func newInotify(root string) (notifier, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify_init1: %w", err)
	}
	n := &inotify{
		root:  root,
		fd:    fd,
		file:  os.NewFile(uintptr(fd), "inotify"),
		out:   make(chan batch),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
		names: map[int32]string{},
		ids:   map[string]int32{},
	}
	go n.read()
	return n, nil
}

func (n *inotify) watch(dir string) error {
	mask := uint32(inotifyDirMask)
	if dir == "" {
		mask = inotifyRootMask
	}
	wd, err := unix.InotifyAddWatch(n.fd, filepath.Join(n.root, dir), mask)
	if err != nil {
		return fmt.Errorf("inotify_add_watch %q: %w", dir, err)
	}
	id := int32(wd)
	if old, ok := n.ids[dir]; ok && old != id {
		// Another directory has the name now. The watch of the old one may be used under another
		// name already.
		if n.names[old] == dir {
			n.drop(old)
		}
	}
	if other, ok := n.names[id]; ok && other != dir {
		delete(n.ids, other) // the same directory, renamed
	}
	n.names[id], n.ids[dir] = dir, id
	return nil
}

func (n *inotify) forget(dir string) {
	if id, ok := n.ids[dir]; ok {
		delete(n.ids, dir)
		n.drop(id)
	}
}

func (n *inotify) drop(id int32) {
	delete(n.names, id)
	_, _ = unix.InotifyRmWatch(n.fd, uint32(id)) // EINVAL says that the kernel has removed it already
}

func (n *inotify) batches() <-chan batch { return n.out }
func (n *inotify) seesClose() bool       { return true }

func (n *inotify) close() {
	close(n.stop)
	_ = n.file.Close()
	<-n.done
}

func (n *inotify) read() {
	defer close(n.done)
	defer close(n.out)
	buf := make([]byte, 64<<10)
	for {
		m, err := n.file.Read(buf)
		if err != nil || m == 0 {
			return
		}
		raw := bytes.Clone(buf[:m])
		select {
		case n.out <- func() []note { return n.decode(raw) }:
		case <-n.stop:
			return
		}
	}
}

// decode reads struct inotify_event (inotify(7)): wd, mask, cookie, len, name padded with zeros.
func (n *inotify) decode(raw []byte) []note {
	var notes []note
	for len(raw) >= unix.SizeofInotifyEvent {
		id := int32(binary.NativeEndian.Uint32(raw))
		mask := binary.NativeEndian.Uint32(raw[4:])
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(raw[12:]))
		if end > len(raw) {
			break
		}
		name, _, _ := bytes.Cut(raw[unix.SizeofInotifyEvent:end], []byte{0})
		raw = raw[end:]
		if nt, ok := n.note(id, mask, string(name)); ok {
			notes = append(notes, nt)
		}
	}
	return notes
}

func (n *inotify) note(id int32, mask uint32, name string) (note, bool) {
	if mask&unix.IN_Q_OVERFLOW != 0 {
		return note{kind: noteOverflow}, true
	}
	dir, ok := n.names[id]
	if !ok {
		return note{}, false // the watch was dropped
	}
	if name == "" {
		if mask&unix.IN_IGNORED != 0 {
			delete(n.names, id)
			delete(n.ids, dir)
		}
		if dir == "" {
			return note{kind: noteRoot}, true
		}
		// The parent reports that a directory was deleted. That it was unmounted, only the
		// directory does.
		return note{noteDirGone, dir}, mask&(unix.IN_UNMOUNT|unix.IN_IGNORED) != 0
	}
	p := path.Join(dir, name)
	switch isDir := mask&unix.IN_ISDIR != 0; {
	case mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0 && isDir:
		return note{noteDir, p}, true
	case mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0 && isDir:
		return note{noteDirGone, p}, true
	case mask&unix.IN_CLOSE_WRITE != 0:
		return note{noteClosed, p}, true
	case mask&unix.IN_CREATE != 0:
		return note{noteCreated, p}, true
	case mask&unix.IN_MOVED_TO != 0:
		return note{noteAppeared, p}, true
	case mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0:
		return note{noteRemoved, p}, true
	}
	return note{}, false
}
