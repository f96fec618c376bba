package disk

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// guarded are the packages that open what others have written below a root.
var guarded = []string{"watcher", "uploader", "internal/daemon"}

// allowed are the calls that open nothing below a root, or that package disk cannot make, with the
// reason.
var allowed = map[string]string{
	"watcher/limits_linux.go: os.ReadFile":    "a kernel setting in /proc/sys",
	"watcher/mounts_linux.go: unix.Open":      "the kernel's mount table",
	"watcher/mounts_linux.go: os.ReadFile":    "the kernel's mount table",
	"watcher/lease_linux.go: unix.Open":       "checks before and after, without waiting, as Open does; a lease takes the bare descriptor",
	"internal/daemon/memory.go: os.WriteFile": "the daemon's own directory, which systemd makes for it alone",
}

// forbidden are functions that open by path, by package.
var forbidden = map[string][]string{
	"os":            {"Open", "OpenFile", "OpenRoot", "OpenInRoot", "ReadFile", "ReadDir", "Create", "WriteFile", "DirFS", "Truncate", "CopyFS"},
	"unix":          {"Open", "Openat", "Openat2", "Creat"},
	"syscall":       {"Open", "Openat", "Creat"},
	"path/filepath": {"Walk", "WalkDir", "Glob"},
	"io/ioutil":     {"ReadFile", "ReadDir"},
}

// methods are those of os.Root that open a file of any type.
var methods = []string{"Open", "OpenFile", "OpenRoot", "ReadFile", "FS", "Create", "WriteFile"}

// opens returns the calls in f that open a file, as package.Function or (*).Method.
func opens(f *ast.File) (found []string) {
	packages := make(map[string]string) // by local name
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value) // the parser has checked it
		name := filepath.Base(path)
		if i.Name != nil {
			name = i.Name.Name
		}
		packages[name] = path
	}
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := s.X.(*ast.Ident); ok && packages[id.Name] != "" {
			path := packages[id.Name]
			if slices.Contains(forbidden[path], s.Sel.Name) || slices.Contains(forbidden[filepath.Base(path)], s.Sel.Name) {
				found = append(found, filepath.Base(path)+"."+s.Sel.Name)
			}
			return true
		}
		if slices.Contains(methods, s.Sel.Name) && !isSpool(s.X) {
			found = append(found, "(*)."+s.Sel.Name)
		}
		return true
	})
	return found
}

// isSpool reports whether x is called spool: a spool opens files with package disk.
func isSpool(x ast.Expr) bool {
	s, ok := x.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "spool"
}

// Package disk waits for nothing and reads with a limit.
func TestFilesBelowRootsAreOpenedHereOnly(t *testing.T) {
	used := make(map[string]bool)
	for _, dir := range guarded {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
				return err
			}
			name, err := filepath.Rel("../..", p)
			if err != nil {
				return err
			}
			name = filepath.ToSlash(name)
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, p, nil, 0)
			if err != nil {
				return err
			}
			for _, what := range opens(f) {
				switch exception := fmt.Sprintf("%s: %s", name, what); {
				case allowed[exception] != "":
					used[exception] = true
				default:
					t.Errorf("%s: use package disk, or list it in allowed with the reason", exception)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for exception := range allowed {
		if !used[exception] {
			t.Errorf("%s: the file has no such call any more: remove it from allowed", exception)
		}
	}
}

func TestOpensAreFoundUnderAnyName(t *testing.T) {
	for source, want := range map[string]string{
		`import "os"; func f() { os.Open("x") }`:                                       "os.Open",
		`import "os"; var open = os.OpenFile`:                                          "os.OpenFile",
		`import o "os"; func f() { o.ReadFile("x") }`:                                  "os.ReadFile",
		`import "golang.org/x/sys/unix"; func f() { unix.Openat(0, "x", 0, 0) }`:       "unix.Openat",
		`import "os"; func f(r *os.Root) { r.Open("x") }`:                              "(*).Open",
		`import "os"; func f(r struct{ dir *os.Root }) { g(r.dir.FS()) }`:              "(*).FS",
		`import "os"; func f(r *os.Root) { open := r.OpenRoot; open("x") }`:            "(*).OpenRoot",
		`import "path/filepath"; func f() { filepath.WalkDir("x", nil) }`:              "filepath.WalkDir",
		`import "os"; func f(r *os.Root) { r.Lstat("x"); os.Stat("x"); r.Remove("x")}`: "",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x; "+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(opens(f), " "); got != want {
			t.Errorf("%s: found %q, want %q", source, got, want)
		}
	}
}
