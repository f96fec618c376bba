package watcher

import (
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/internal/trouble"
)

const (
	// rootCheck is how often the root is compared with the watched directory: no event says that
	// something was mounted over it.
	rootCheck = time.Second
)

// A tree is all that is known of one root. It belongs to the goroutine of Run.
type tree struct {
	w       *Watcher
	opts    Options
	log     *slog.Logger
	trouble *trouble.Reporter

	root   rootState
	mounts mountState
	dirs   map[string]*dir // by path; "" is the root
	tick   uint64          // grows with every scan and every new name

	scans scanState
	named namedFiles
	due   dueList
	old   backlog // files that the first scan found, until their turn comes
	out   *outbox

	state State
}

// rootState says which directory is attached, and how it is watched.
type rootState struct {
	home     *disk.Home
	present  bool   // the root exists and is attached
	replaced bool   // the attached root does not have its name any more, or its notifier failed
	attached int    // how often a root was attached
	kept     uint64 // tick of the last name from before the root was unmounted

	backend Backend
	leases  bool
	notify  notifier // nil while there is no root, and with Poll
}

// mountState says what is mounted below the root.
type mountState struct {
	watch mountWatch
	below map[string]mount // by path
	lost  map[string]bool  // paths for which mountGone holds
}

// scanState says which directories are to be scanned.
type scanState struct {
	queue     []*dir // in order
	done      time.Time
	whole     bool                // the scan under way covers the whole tree
	full      bool                // the kernel refused more watches in the scan under way
	undecided map[*entry]struct{} // files of the first scan; nil before it is done, and when all are decided on
}

// namedFiles are the files of Expect.
type namedFiles struct {
	queue [][]string      // still to be looked at, each list in its turn
	away  map[string]bool // named while there was no root
}

func newTree(w *Watcher) *tree {
	t := &tree{
		w:       w,
		opts:    w.opts,
		log:     w.opts.Log,
		root:    rootState{home: disk.NewHome(w.root, &w.disk)},
		dirs:    map[string]*dir{},
		out:     newOutbox(),
		mounts:  mountState{lost: map[string]bool{}},
		named:   namedFiles{away: map[string]bool{}},
		trouble: w.opts.Trouble,
	}
	t.dirs[""] = newDir("", nil)
	t.state.Dirs = 1
	return t
}

// ignored reports whether p is left out.
func (t *tree) ignored(p string, isDir bool) bool {
	name := path.Base(p)
	return strings.HasPrefix(name, ".") || !isDir && strings.HasSuffix(name, ".tmp") || t.opts.Ignore(p, isDir)
}

func (t *tree) isDir(p string) bool {
	fi, err := t.lstat(p)
	return err == nil && fi.IsDir()
}

func (t *tree) lstat(p string) (fs.FileInfo, error) {
	defer t.w.disk.End(t.w.disk.Begin())
	return os.Lstat(t.abs(p))
}

func (t *tree) abs(p string) string { return filepath.Join(t.w.root, filepath.FromSlash(p)) }

func (t *tree) publishState() {
	t.state.Backend = t.root.backend
	t.state.Waiting = !t.root.present
	t.w.setState(t.state)
}
