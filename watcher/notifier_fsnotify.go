package watcher

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"

	"ems-sidecar/internal/trouble"
)

// An fsNotifier watches with fsnotify, which sees each write and no close.
type fsNotifier struct {
	root    string
	watcher *fsnotify.Watcher
	out     chan batch
	stop    chan struct{}
	done    chan struct{}
}

func newFsnotify(root string, reporter *trouble.Reporter) (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	n := &fsNotifier{
		root:    root,
		watcher: w,
		out:     make(chan batch),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	go n.read(reporter)
	return n, nil
}

func (n *fsNotifier) watch(dir string) error {
	return n.watcher.Add(filepath.Join(n.root, filepath.FromSlash(dir)))
}

func (n *fsNotifier) forget(dir string) {
	_ = n.watcher.Remove(filepath.Join(n.root, filepath.FromSlash(dir))) // in most cases, the directory is gone already
}

func (n *fsNotifier) batches() <-chan batch { return n.out }
func (n *fsNotifier) seesClose() bool       { return false }

func (n *fsNotifier) close() {
	close(n.stop)
	_ = n.watcher.Close()
	<-n.done
}

// read collects events while the tree is busy. Hundreds of small writes to a file become one note.
func (n *fsNotifier) read(reporter *trouble.Reporter) {
	defer close(n.done)
	defer close(n.out)
	var notes []note
	written := map[string]bool{}
	for {
		events, errs := n.watcher.Events, n.watcher.Errors
		var out chan batch
		var next batch
		if len(notes) > 0 {
			ready := notes
			next, out = func() []note { return ready }, n.out
		}
		if len(notes) >= batchSize {
			events = nil
		}
		select {
		case ev, ok := <-events:
			if !ok {
				return
			}
			nt, ok := n.note(ev)
			if !ok {
				continue
			}
			if nt.kind == noteWritten {
				if written[nt.path] {
					continue
				}
				written[nt.path] = true
			} else {
				delete(written, nt.path) // a write after this is a new one
			}
			notes = append(notes, nt)
		case err, ok := <-errs:
			if !ok {
				return
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				reporter.Report(watchFailed, trouble.At{}, "backend", Fsnotify, "err", err)
			}
			notes = append(notes, note{kind: noteOverflow})
		case out <- next:
			notes = nil
			clear(written)
		case <-n.stop:
			return
		}
	}
}

func (n *fsNotifier) note(ev fsnotify.Event) (note, bool) {
	if ev.Name == n.root {
		if ev.Op.Has(fsnotify.Remove) || ev.Op.Has(fsnotify.Rename) {
			return note{kind: noteRoot}, true
		}
		return note{}, false
	}
	rel, ok := strings.CutPrefix(ev.Name, strings.TrimSuffix(n.root,
		string(filepath.Separator))+string(filepath.Separator))
	if !ok {
		return note{}, false
	}
	rel = filepath.ToSlash(rel)
	switch {
	case ev.Op.Has(fsnotify.Create):
		return note{noteAppeared, rel}, true
	case ev.Op.Has(fsnotify.Remove), ev.Op.Has(fsnotify.Rename):
		return note{noteRemoved, rel}, true
	case ev.Op.Has(fsnotify.Write):
		return note{noteWritten, rel}, true
	}
	return note{}, false
}
