package spool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ems-sidecar/internal/disk"
)

// DirName is the directory of the spools in a root, if spool_dir does not name another. The watcher
// leaves out names that begin with a dot.
const DirName = ".ems-sidecar"

// Place returns the directory of the spools of root, which has one directory for each format: in
// the root, or below dir if that is not "".
func Place(root, dir string) string {
	if dir == "" {
		return filepath.Join(root, DirName)
	}
	return filepath.Join(dir, nameFor(root))
}

// maxName is how long a directory's name may be on all file systems, in bytes.
const maxName = 255

// nameFor returns a name for a directory that no other path has. It is valid on Windows, too.
func nameFor(path string) string {
	name := strings.ReplaceAll(url.PathEscape(path), ":", "%3A")
	if len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(path))
	hash := hex.EncodeToString(sum[:])
	return hash + name[len(name)-(maxName-len(hash)):]
}

// makeDir makes the directory of the links, and returns the directories that it made, the uppermost
// first. It makes neither the root, which may not be mounted, nor the parent of spool_dir.
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

// Strays returns the directories of spools in the root, and below dir if that is not "", that have
// files and are not used: neither one of those in used, nor by another process.
func Strays(root, dir string, used []string) (strays []string) {
	places := []string{Place(root, "")}
	if dir != "" {
		places = append(places, subdirectories(dir)...)
	}
	for _, place := range places {
		for _, d := range subdirectories(place) {
			isUsed := slices.ContainsFunc(used, func(u string) bool {
				rel, err := filepath.Rel(d, u)
				return err == nil && filepath.IsLocal(rel) // itself, or in it
			})
			if !isUsed && hasFiles(d) && !occupied(d) {
				strays = append(strays, d)
			}
		}
	}
	return strays
}

func subdirectories(dir string) (dirs []string) {
	list, _ := disk.ReadRoot(dir) // what cannot be read has no known directories
	for _, e := range list {
		if e.IsDir() {
			dirs = append(dirs, filepath.Join(dir, e.Name()))
		}
	}
	return dirs
}

func hasFiles(dir string) (found bool) {
	root, err := disk.OpenRoot(dir)
	if err != nil {
		return false
	}
	defer root.Close()
	_ = fs.WalkDir(disk.Tree{Root: root}, ".", func(_ string, e fs.DirEntry, err error) error {
		if found = err == nil && e.Type().IsRegular(); found {
			return fs.SkipAll
		}
		return nil // what cannot be read has no known files
	})
	return found
}
