package testbin

import (
	"os"
	"path/filepath"
	"testing"
)

// write writes files with this content, which have directories in their names.
func write(t *testing.T, top, content string, files ...string) {
	t.Helper()
	for _, file := range files {
		p := filepath.Join(top, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSumIsOfAllThatACommandIsMadeOf(t *testing.T) {
	top := t.TempDir()
	sum := func() string {
		t.Helper()
		s, err := sumOf(top)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	in := []string{"go.mod", "go.sum", "cmd/a/main.go", "a/a.go", "a/page/index.html", "testdata/live/a.ts"}
	out := []string{".git/index", "a/a_test.go", "docs/a.md", "tools/go.mod", "tools/a.go", "page/node_modules/a/a.js"}
	write(t, top, "before", in...)
	write(t, top, "before", out...)
	before := sum()
	for _, file := range out {
		write(t, top, "after", file)
		if sum() != before {
			t.Errorf("%s is no part of a command, and the sum changes with it", file)
		}
	}
	for _, file := range in {
		write(t, top, "after", file)
		now := sum()
		if now == before {
			t.Errorf("%s is a part of commands, and the sum does not change with it", file)
		}
		before = now
	}
	if err := os.Rename(filepath.Join(top, "a/a.go"), filepath.Join(top, "a/b.go")); err != nil {
		t.Fatal(err)
	}
	if sum() == before {
		t.Error("the sum does not change with a file's name")
	}
}

func TestCommandsAreFoundFromAnyPackage(t *testing.T) {
	here, err := top()
	if err != nil {
		t.Fatal(err)
	}
	if want, err := filepath.Abs("../.."); err != nil || here != want {
		t.Errorf("the module is at %s, want %s (%v)", here, want, err)
	}
}
