package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A sparse file of any size costs its writer nothing.
func TestFileIsReadUpToALimit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	for _, c := range []struct {
		size, most int64
		fits       bool
	}{{0, 0, true}, {10, 10, true}, {11, 10, false}, {3 << 30, 1 << 20, false}} {
		f, err := os.Create(name)
		if err == nil {
			err = errors.Join(f.Truncate(c.size), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := ReadFile(name, c.most)
		if c.fits && (err != nil || int64(len(content)) != c.size) || !c.fits && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d of at most %d bytes: %d read, %v", c.size, c.most, len(content), err)
		}
	}
}

// A growing file has another size when it is read than Stat said.
type growing struct{ *os.File }

func (g growing) Stat() (fs.FileInfo, error) {
	fi, err := g.File.Stat()
	return small{fi}, err
}

type small struct{ fs.FileInfo }

func (small) Size() int64 { return 1 }

func TestFileThatGrowsWhileItIsReadIsReadUpToALimit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, make([]byte, 1000), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if content, err := ReadAll(growing{f}, 999); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d bytes are read, %v", len(content), err)
	}
}

func TestTreeListsAllFilesBelowItsRoot(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(dir+"/g/s", 0o755), os.WriteFile(dir+"/g/s/1.ts", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	root, err := OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var found []string
	err = fs.WalkDir(Tree{root}, ".", func(p string, _ fs.DirEntry, err error) error {
		found = append(found, p)
		return err
	})
	if want := []string{".", "g", "g/s", "g/s/1.ts"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("found %q, %v", found, err)
	}
}

func TestDirectoryWithHiddenNamesOnlyIsEmpty(t *testing.T) {
	dir := t.TempDir()
	for n := range 2 * emptySlice {
		if err := os.WriteFile(filepath.Join(dir, "."+strings.Repeat("x", n+1)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !IsEmpty(dir) {
		t.Error("the directory has only hidden names, and is not empty")
	}
	if err := os.WriteFile(filepath.Join(dir, "z"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if IsEmpty(dir) || IsEmpty(dir+"/none") {
		t.Error("a directory with a name, or one that does not exist, is empty")
	}
}
