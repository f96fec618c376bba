package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Check tries whether files of root can be linked into dir, with the first file that it finds in root. It leaves nothing
// behind: a directory of whoever runs it may not be the daemon's to write.
func Check(root, dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		defer os.Remove(dir)
	}
	s := New(Settings{Root: root, Dir: dir})
	links, err := s.openDir()
	if err != nil {
		return hinted(err)
	}
	defer links.Close()
	f, err := links.Create(newName + "check")
	if err != nil {
		return hinted(err)
	}
	f.Close()
	defer links.Remove(newName + "check")
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()
	found := errors.New("found")
	err = fs.WalkDir(r.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // other files will do
		case e.IsDir() && p != "." && path.Base(p)[0] == '.':
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		if err := linkBetween(r, links, p, newName+"link"); err != nil {
			return hinted(err)
		}
		return errors.Join(links.Remove(newName+"link"), found)
	})
	if errors.Is(err, found) {
		return nil
	}
	return err
}

func hinted(err error) error { return fmt.Errorf("%w (%s)", err, hint(err)) }
