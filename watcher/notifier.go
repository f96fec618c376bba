package watcher

import (
	"errors"
	"syscall"

	"ems-sidecar/internal/trouble"
)

// A note is one raw thing that a notifier saw. It is a hint: what is true is looked up.
type note struct {
	kind noteKind
	path string // below the root; "" is the root
}

type noteKind uint8

const (
	noteClosed     noteKind = iota + 1 // a writer closed the file
	noteWritten                        // the file was written, by a writer that may still be there
	noteAppeared                       // the name is new or stands for another file or directory now
	noteRemoved                        // the name of a file, or of a directory if no one can tell, is gone
	noteDir                            // a directory appeared
	noteDirGone                        // a directory's name is gone
	noteDirChanged                     // something happened to a directory that is known
	noteRoot                           // something happened to the root itself
	noteOverflow                       // notes were lost
)

// A batch decodes to notes. The tree calls it on its own goroutine, which alone knows which
// directories are watched under which names, so that this needs no lock.
type batch func() []note

// A notifier has the kernel watch single directories. Its methods are for the tree's goroutine.
type notifier interface {
	// watch watches a directory below the root ("" is the root); again for one that is watched has
	// the effect that what has that name now is watched.
	watch(dir string) error
	// forget stops watching a directory of that name.
	forget(dir string)
	// batches is closed when the notifier has failed.
	batches() <-chan batch
	// seesClose: a close by a writer is a noteClosed.
	seesClose() bool
	// close returns when the notifier's goroutines have ended.
	close()
}

func newNotifier(b Backend, root string, reporter *trouble.Reporter) (notifier, error) {
	if b == Inotify {
		return newInotify(root)
	}
	return newFsnotify(root, reporter)
}

// outOfWatches reports whether err says that the user or the process may not have more watches or watchers.
func outOfWatches(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
