package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// DirName is the directory for the links in a root that has no other. Its dot keeps watchers out.
const DirName = ".ems-sidecar"

// Place returns where the spools of root are, one directory for each format: in the root, or below dir if that is not "".
func Place(root, dir string) string {
	if dir == "" {
		return filepath.Join(root, DirName)
	}
	return filepath.Join(dir, url.PathEscape(root))
}

// makeDir makes the directory of the links, and returns which directories it made for that, the uppermost first. It never
// makes the root, which may not be mounted, nor what spool_dir is in.
func (s *Spool) makeDir() (made []string, err error) {
	levels := 3 // spool_dir, in it one for each root, in that one for each format
	if rel, err := filepath.Rel(s.Root, s.Dir); err == nil && filepath.IsLocal(rel) {
		levels = 1 + strings.Count(rel, string(filepath.Separator))
	}
	dirs := make([]string, levels)
	for i, dir := levels-1, s.Dir; i >= 0; i, dir = i-1, filepath.Dir(dir) {
		dirs[i] = dir
	}
	for _, dir := range dirs {
		switch err := os.Mkdir(dir, 0o700); {
		case err == nil:
			made = append(made, dir)
		case errors.Is(err, fs.ErrNotExist):
			return made, fmt.Errorf("%w: %s does not exist", errNoPlace, filepath.Dir(dir))
		case !errors.Is(err, fs.ErrExist):
			if fi, statErr := os.Stat(dir); statErr != nil || !fi.IsDir() {
				return made, err
			}
		}
	}
	return made, nil
}
