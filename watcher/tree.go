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
	// rootCheck is how often we look whether the root is still the directory that we watch: nothing
	// tells when something is mounted over it.
	rootCheck = time.Second
)

// tree is everything known about one root. It belongs to Run's goroutine.
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
	old   backlog // what the first scan found, in its turn once nothing is due
	out   *outbox

	state State
}

// rootState is which directory is attached, and how it is watched.
type rootState struct {
	home     *disk.Home
	present  bool   // the root exists and is attached
	replaced bool   // the attached root is not what has its name any more
	attached int    // how often a root was attached
	kept     uint64 // tick of the last name from before the root was unmounted

	backend Backend
	leases  bool
	notify  notifier // nil while there is no root, and with Poll
}

// mountState is what is mounted below the root.
type mountState struct {
	watch mountWatch
	below map[string]mount // by path
}

// scanState is which directories are to be scanned.
type scanState struct {
	queue     []*dir // in order
	done      time.Time
	whole     bool                // the scan under way covers the whole tree
	full      bool                // no more watches were to be had in the scan under way
	undecided map[*entry]struct{} // of what the first scan found; nil before it is done, and once all is decided
}

// namedFiles is what Expect named.
type namedFiles struct {
	queue [][]string      // is still to be looked at, in turn
	away  map[string]bool // was named while there was no root
}

func newTree(w *Watcher) *tree {
	t := &tree{
		w:       w,
		opts:    w.opts,
		log:     w.opts.Log,
		root:    rootState{home: disk.NewHome(w.root, &w.disk)},
		dirs:    map[string]*dir{},
		out:     newOutbox(),
		named:   namedFiles{away: map[string]bool{}},
		trouble: w.opts.Trouble,
	}
	t.dirs[""] = newDir("", nil)
	t.state.Dirs = 1
	return t
}

// ignored says which names are not looked at.
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
