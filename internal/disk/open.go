package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A NotRegularError says that a name is not that of a regular file, but of a FIFO, a socket, a
// device, a symbolic link or a directory. No such file is published, so errors.Is(err,
// fs.ErrNotExist) holds.
type NotRegularError struct {
	Path string
	Type fs.FileMode // only the type bits; 0 if it is not known
}

func (e *NotRegularError) Error() string {
	if e.Type == 0 {
		return e.Path + " is not a regular file"
	}
	return fmt.Sprintf("%s is not a regular file, but %s", e.Path, typeName(e.Type))
}

// Is reports whether target is fs.ErrNotExist: to a reader, a file that is not regular does not
// exist.
func (e *NotRegularError) Is(target error) bool { return target == fs.ErrNotExist }

func typeName(t fs.FileMode) string {
	switch {
	case t.IsDir():
		return "a directory"
	case t&fs.ModeSymlink != 0:
		return "a symbolic link"
	case t&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case t&fs.ModeSocket != 0:
		return "a socket"
	case t&fs.ModeDevice != 0:
		return "a device"
	}
	return t.String()
}

// Open opens a regular file for reading. It never waits for another process. The type is checked
// before the open, because a FIFO's writer would notice an open and a device might do anything, and
// again after it. For another type, the error is a NotRegularError.
func Open(path string) (*os.File, error) { return open(path, os.Lstat, os.OpenFile) }

// OpenIn is Open below root.
func OpenIn(root *os.Root, p string) (*os.File, error) { return open(p, root.Lstat, root.OpenFile) }

func open(p string, lstat func(string) (fs.FileInfo, error),
	openFile func(string, int, fs.FileMode) (*os.File, error)) (*os.File, error) {
	fi, err := lstat(p)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, &NotRegularError{p, fi.Mode().Type()}
	}
	f, err := openFile(p, os.O_RDONLY|nonblock|noFollow, 0)
	if isSpecial(err) {
		return nil, &NotRegularError{Path: p}
	}
	if err != nil {
		return nil, err
	}
	if fi, err = f.Stat(); err == nil && !fi.Mode().IsRegular() {
		err = &NotRegularError{p, fi.Mode().Type()}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// CreateIn creates a file below root. It fails if the name exists.
func CreateIn(root *os.Root, p string) (*os.File, error) {
	return root.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// ErrTooLarge says that a file is larger than the caller reads.
var ErrTooLarge = errors.New("it is too large")

// ReadAll reads the open file f, of at most so many bytes. If it is larger, the error wraps
// ErrTooLarge, and nothing is read if the file's size says so.
func ReadAll(f fs.File, most int64) ([]byte, error) {
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if fi.Size() > most {
		return nil, fmt.Errorf("%w: it has %d bytes, and at most %d are read", ErrTooLarge, fi.Size(), most)
	}
	content := bytes.NewBuffer(make([]byte, 0, fi.Size()+bytes.MinRead))
	if _, err := content.ReadFrom(io.LimitReader(f, most+1)); err != nil { // it may have grown
		return nil, err
	}
	if int64(content.Len()) > most {
		return nil, fmt.Errorf("%w: at most %d bytes are read", ErrTooLarge, most)
	}
	return content.Bytes(), nil
}

// ReadFile is ReadAll of a regular file.
func ReadFile(path string, most int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(f, most)
}

// OpenRoot opens a directory, to open files below it. Unlike os.OpenRoot, it does not wait if the
// name is a FIFO's. It follows a symbolic link, because the operator names the roots.
func OpenRoot(dir string) (*os.Root, error) { return os.OpenRoot(inside(dir)) }

// inside returns a path to dir that fails if dir is neither a directory nor a link to one.
func inside(dir string) string {
	return strings.TrimRight(dir, string(filepath.Separator)) + string(filepath.Separator) + "."
}

// OpenDir opens a directory, to read its names. It follows no symbolic link.
func OpenDir(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|nonblock|noFollow|directory, 0)
}

// OpenDirIn is OpenDir below root.
func OpenDirIn(root *os.Root, p string) (*os.File, error) {
	return root.OpenFile(p, os.O_RDONLY|nonblock|noFollow|directory, 0)
}

// ReadDir is os.ReadDir with the checks of OpenDir.
func ReadDir(path string) ([]fs.DirEntry, error) { return readDir(OpenDir(path)) }

// ReadRoot is ReadDir of a root, which may be a symbolic link.
func ReadRoot(path string) ([]fs.DirEntry, error) { return readDir(OpenDir(inside(path))) }

func readDir(f *os.File, err error) ([]fs.DirEntry, error) {
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, err
}

// A Tree is the tree below a root, for fs.WalkDir. It opens only directories.
type Tree struct{ Root *os.Root }

// Open implements fs.FS.
func (t Tree) Open(name string) (fs.File, error) { return OpenDirIn(t.Root, name) }
