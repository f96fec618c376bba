package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"ems-sidecar/internal/disk"
)

// Check tests whether files of root, which exists, can be linked into a directory in place. It uses
// the first file that it finds in root; tested is false if there is none. It leaves nothing behind:
// the daemon may not be allowed to write to a directory of the user who runs Check.
func Check(root, place string) (tested bool, err error) {
	s := New(Settings{Root: root, Dir: filepath.Join(place, "check")})
	made, err := s.makeDir()
	defer func() {
		for i := len(made) - 1; i >= 0; i-- {
			os.Remove(made[i]) // a directory that another process uses by now is not empty, and stays
		}
	}()
	if err != nil {
		return false, hinted(err)
	}
	r, err := disk.OpenRoot(root)
	if err != nil {
		return false, err
	}
	defer r.Close()
	links, err := disk.OpenRoot(s.Dir)
	if err != nil {
		return false, err
	}
	defer links.Close()
	if err := tryLinks(r, links); err != nil {
		return false, hinted(err)
	}
	found := errors.New("found")
	err = fs.WalkDir(disk.Tree{Root: r}, ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // another file will do
		case e.IsDir() && p != "." && path.Base(p)[0] == '.':
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		switch err := linkBetween(r, links, p, newName); {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it has just been deleted
		case err != nil:
			return hinted(err)
		}
		return errors.Join(links.Remove(newName), found)
	})
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}

// tryLinks makes a file in links, and links it.
func tryLinks(root, links *os.Root) error {
	from, err := root.Stat(".")
	if err != nil {
		return err
	}
	to, err := links.Stat(".")
	if err != nil {
		return err
	}
	if disk.Device(from) != disk.Device(to) {
		return &os.LinkError{Op: "link", Old: root.Name(), New: links.Name(), Err: syscall.EXDEV}
	}
	const name = newName + "file"
	if err := links.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by a process that was killed
		return err
	}
	f, err := disk.CreateIn(links, name)
	if err != nil {
		return err
	}
	f.Close()
	defer links.Remove(name)
	if err := linkBetween(links, links, name, newName); err != nil {
		return err
	}
	return links.Remove(newName)
}

func hinted(err error) error { return fmt.Errorf("%w (%s)", err, hint(err)) }
