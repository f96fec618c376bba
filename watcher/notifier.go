package watcher

import (
	"errors"
	"syscall"

	"ems-sidecar/internal/trouble"
)

// A note is what a notifier saw. It is only a hint: the tree looks at the file.
type note struct {
	kind noteKind
	path string // below the root; "" is the root
}

type noteKind uint8

const (
	noteClosed     noteKind = iota + 1 // a writer closed the file
	noteWritten                        // the file was written, by a writer that may still be there
	noteCreated                        // a file was created, whose writer will close it, or is a link
	noteAppeared                       // the name is new, or is that of another file or directory now
	noteRemoved                        // the name of a file is gone, or of a directory if the backend does not say
	noteDir                            // a directory appeared
	noteDirGone                        // a directory's name is gone
	noteDirChanged                     // something happened to a directory that is known
	noteRoot                           // something happened to the root itself
	noteOverflow                       // notes were lost
)

// A batch decodes to notes. The tree calls it on its own goroutine: only that knows which
// directories are watched under which names, and so there is no lock.
type batch func() []note

// A notifier has the kernel watch single directories. Its methods are for the tree's goroutine.
type notifier interface {
	// watch watches a directory below the root; "" is the root. If the name is watched already, it
	// watches the directory that has the name now.
	watch(dir string) error
	// forget stops watching a directory of that name.
	forget(dir string)
	// batches is closed when the notifier has failed.
	batches() <-chan batch
	// seesClose reports whether a close by a writer is a noteClosed.
	seesClose() bool
	// close ends the notifier, and returns when its goroutines have ended.
	close()
}

func newNotifier(b Backend, root string, reporter *trouble.Reporter) (notifier, error) {
	if b == Inotify {
		return newInotify(root)
	}
	return newFsnotify(root, reporter)
}

// outOfWatches reports whether err says that the user or the process has reached a limit of watches
// or watchers.
func outOfWatches(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
