package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// A Home is the directory to which a path leads. It notices when the path leads elsewhere: a name
// that is missing from another directory, or from a mount point without its file system, was not
// deleted.
//
// What Look finds changes a Home as follows. In each state the path may also lead to no directory
// for a while (Absent, Gone), which changes nothing.
//
//	unknown --Found--> mounted --Unmounted--> unmounted
//	                   ^ |   ^                    |
//	                   +-+   +-----Remounted------+
//	                 Replaced
//
// Each call to the file system is noted in Calls, whose limit is StuckAfter. A Home is for one
// goroutine.
type Home struct {
	path   string
	calls  *Calls
	dir    *Directory // to which the path led last; nil: to none yet
	device uint64     // of the home itself; if it is not that of dir, dir is the home's mount point
}

// A Sight is what Look found.
type Sight uint8

const (
	// Same means that the path leads to the directory of the last look that found one.
	Same Sight = iota
	// Found means that the path leads to a directory for the first time.
	Found
	// Replaced means that it leads to another directory, which is the home from now on.
	Replaced
	// Unmounted means that it leads to an empty directory on another device: the mount point of the
	// home.
	Unmounted
	// Remounted means that it leads from the mount point to a directory again, which may be another
	// one than before. That is the home from now on.
	Remounted
	// Absent means that it has not led to a directory yet.
	Absent
	// Gone means that it leads to no directory now, or that this cannot be told.
	Gone
)

var sights = [...]string{
	Same: "same", Found: "found", Replaced: "replaced", Unmounted: "unmounted", Remounted: "remounted",
	Absent: "absent", Gone: "gone",
}

func (s Sight) String() string {
	if int(s) < len(sights) {
		return sights[s]
	}
	return fmt.Sprintf("sight(%d)", uint8(s))
}

// NewHome returns the home at path, which need not exist. Look has to find it.
func NewHome(path string, calls *Calls) *Home { return &Home{path: path, calls: calls} }

// Look finds out where the path leads now. There is an error, which may wrap fs.ErrNotExist, if and
// only if that is Absent or Gone.
func (h *Home) Look() (Sight, error) {
	info, err := h.stat()
	switch {
	case err != nil && h.dir == nil:
		return Absent, err
	case err != nil:
		return Gone, err
	case h.dir != nil && os.SameFile(h.dir.info, info):
		return Same, nil
	}
	now := DirectoryOf(info)
	s := h.compare(now)
	h.dir = now
	if s != Unmounted {
		h.device = now.Device()
	}
	return s, nil
}

func (h *Home) stat() (fs.FileInfo, error) {
	defer h.calls.End(h.calls.Begin())
	fi, err := os.Stat(h.path)
	if err == nil && !fi.IsDir() {
		err = &fs.PathError{Op: "stat", Path: h.path, Err: syscall.ENOTDIR}
	}
	if err != nil {
		return nil, err
	}
	return fi, nil
}

// compare says what it means that the path leads to now, which is not h.dir.
func (h *Home) compare(now *Directory) Sight {
	if h.dir == nil {
		return Found
	}
	if device := now.Device(); device != h.device {
		// What was written to the mount point meanwhile does not make it the home.
		still := h.IsUnmounted() && device == h.dir.Device()
		if still || h.isEmpty() {
			return Unmounted
		}
	}
	if h.IsUnmounted() {
		return Remounted
	}
	return Replaced
}

func (h *Home) isEmpty() bool {
	defer h.calls.End(h.calls.Begin())
	return IsEmpty(h.path)
}

// IsUnmounted reports whether the path led to the home's mount point at the last look that found a
// directory.
func (h *Home) IsUnmounted() bool { return h.dir != nil && h.dir.Device() != h.device }

// Directory returns the directory to which the path led last, which is the mount point if the home
// is unmounted; nil if there was none yet. The pointer is the same as long as the directory is.
func (h *Home) Directory() *Directory { return h.dir }

// errMoved says that a path leads to another directory than a moment ago.
var errMoved = errors.New("it is another directory by now")

// Enter opens the directory that Look found last. There is an error if the path leads to another
// one by now.
func (h *Home) Enter() (*os.Root, error) {
	defer h.calls.End(h.calls.Begin())
	root, err := OpenRoot(h.path)
	if err != nil {
		return nil, err
	}
	dir, err := DirectoryIn(root, ".")
	if err == nil && (h.dir == nil || !h.dir.Is(dir)) {
		err = &fs.PathError{Op: "open", Path: h.path, Err: errMoved}
	}
	if err != nil {
		root.Close() // nothing was done with it
		return nil, err
	}
	return root, nil
}

// A Directory is one directory, whichever path leads to it.
type Directory struct{ info fs.FileInfo }

// DirectoryOf returns the directory that info describes.
func DirectoryOf(info fs.FileInfo) *Directory { return &Directory{info} }

// DirectoryIn returns the directory p below root; "." is the root itself.
func DirectoryIn(root *os.Root, p string) (*Directory, error) {
	fi, err := root.Stat(p)
	if err != nil {
		return nil, err
	}
	return DirectoryOf(fi), nil
}

// Is reports whether both are the same directory.
func (d *Directory) Is(other *Directory) bool { return os.SameFile(d.info, other.info) }

// Info describes the directory as it was when it was found.
func (d *Directory) Info() fs.FileInfo { return d.info }

// Device returns the number of the device that the directory is on, or 0 where there is none.
func (d *Directory) Device() uint64 { return Device(d.info) }
