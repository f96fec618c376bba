package writers

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ems-sidecar/internal/e2e"
)

// A journal notes each content that a writer has finished, in the order in which the kernel reports
// closings and renames. It shares no code with the daemon's watcher.
type journal struct {
	t     *testing.T
	root  string
	marks string // a directory outside of the root, in which nothing but marks is written
	file  *os.File
	dirs  map[int32]string // of the watches; only run uses it
	done  chan struct{}

	mu       sync.Mutex // guards what follows
	arrived  *sync.Cond // a mark was read
	last     string     // mark that was read
	notes    int
	contents map[string][]content // by name below the root, oldest first
}

// A content is what a file had when it was closed.
type content struct {
	number int // in the order of all closings
	newest int // of the last closing, if the name got the same content again
	at     time.Time
	sum    [sha256.Size]byte
	text   []byte
}

// keepJournal begins the journal of a root, which ends with the test.
func keepJournal(t *testing.T, root, marks string) *journal {
	t.Helper()
	e2e.Must(t, os.MkdirAll(marks, 0o755))
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	e2e.Must(t, err)
	j := &journal{t: t, root: root, marks: marks, file: os.NewFile(uintptr(fd), "inotify"), dirs: map[int32]string{},
		done: make(chan struct{}), contents: map[string][]content{}}
	j.arrived = sync.NewCond(&j.mu)
	j.watch(fd, marks)
	j.watch(fd, root)
	go j.run(fd)
	t.Cleanup(func() {
		j.file.Close()
		<-j.done
	})
	return j
}

// watch watches a directory, and notes what is in it already.
func (j *journal) watch(fd int, dir string) {
	wd, err := unix.InotifyAddWatch(fd, dir, unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO|unix.IN_CREATE)
	if errors.Is(err, fs.ErrNotExist) {
		return // it is gone again
	}
	if err != nil {
		j.t.Errorf("watch %s: %v", dir, err)
		return
	}
	j.dirs[int32(wd)] = dir
	entries, _ := os.ReadDir(dir) // a directory that is gone has none
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); e.IsDir() {
			j.watch(fd, path)
		} else {
			j.note(path)
		}
	}
}

func (j *journal) run(fd int) {
	defer close(j.done)
	buffer := make([]byte, 64<<10)
	for {
		n, err := j.file.Read(buffer)
		if err != nil {
			return // closed by the end of the test
		}
		for at := 0; at < n; {
			e := (*unix.InotifyEvent)(unsafe.Pointer(&buffer[at]))
			at += unix.SizeofInotifyEvent
			name := strings.TrimRight(string(buffer[at:at+int(e.Len)]), "\x00")
			at += int(e.Len)
			if e.Mask&unix.IN_Q_OVERFLOW != 0 {
				j.t.Error("the journal has missed events")
			}
			path := filepath.Join(j.dirs[e.Wd], name)
			switch {
			case strings.HasPrefix(name, "."): // the daemon's spool
			case e.Mask&unix.IN_ISDIR != 0:
				j.watch(fd, path)
			case e.Mask&(unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO) != 0:
				j.note(path)
			}
		}
	}
}

// note notes the content that a file has.
func (j *journal) note(path string) {
	b, err := os.ReadFile(path)
	j.mu.Lock()
	defer j.mu.Unlock()
	if filepath.Dir(path) == j.marks {
		j.last = filepath.Base(path)
		j.arrived.Broadcast()
		return
	}
	rel, _ := filepath.Rel(j.root, path) // the path was made of the root
	if err != nil || len(b) == 0 {
		return // deleted or truncated meanwhile: what follows is noted, too
	}
	c := content{number: j.notes, newest: j.notes, at: time.Now(), sum: sha256.Sum256(b), text: b}
	j.notes++
	if all := j.contents[rel]; len(all) > 0 && all[len(all)-1].sum == c.sum && !isManifest(rel) {
		all[len(all)-1].newest = c.number
		return // the same content
	}
	j.contents[rel] = append(j.contents[rel], c)
}

// catchUp returns when all is noted that was closed before.
func (j *journal) catchUp(mark int) {
	name := fmt.Sprint(mark)
	if err := os.WriteFile(filepath.Join(j.marks, name), nil, 0o644); err != nil {
		j.t.Error(err)
		return
	}
	late := e2e.Patient.Deadline(10 * time.Second)
	stop := time.AfterFunc(15*time.Second, j.arrived.Broadcast)
	defer stop.Stop()
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.last != name {
		if late() {
			j.t.Error("the journal stands still")
			return
		}
		j.arrived.Wait()
	}
}

// of returns the contents of a name so far.
func (j *journal) of(name string) []content {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.contents[name])
}

// namesOf returns the names under which a content was closed, each with the number of the last time.
// The last frame of a sound can be the same in two runs.
func (j *journal) namesOf(sum [sha256.Size]byte) map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	names := map[string]int{}
	for name, all := range j.contents {
		for _, c := range all {
			if c.sum == sum {
				names[name] = max(names[name], c.newest)
			}
		}
	}
	return names
}

func isManifest(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".m3u8", ".m3u", ".mpd":
		return true
	}
	return false
}
