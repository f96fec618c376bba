// Package testbin finds the commands that tests start. The Go tool builds them and keeps them in its
// cache. Asking it takes a second of processor time for each package of tests, even if all is built.
// So its answer is remembered for a day, with a sum of what the command is made of.
package testbin

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// The module that the commands are part of, and the directory in it of the module of the tools.
const module, toolsModule = "ems-sidecar", "tools"

// Command returns where a command of this module is, built as it is shipped, without C. Other users
// may not be able to enter the directory.
func Command(pkg string) (string, error) {
	top, err := top()
	if err != nil {
		return "", err
	}
	sum, err := sumOf(top)
	if err != nil {
		return "", fmt.Errorf("read the sources of %s: %w", pkg, err)
	}
	return remembered(path.Base(pkg), sum, func() (string, error) {
		// go run links once and keeps the binary; go build would link each time. Only what it runs the
		// second time is surely the one in its cache.
		if _, err := ask(top, "run", "-exec", "echo", pkg); err != nil {
			return "", err
		}
		return ask(top, "run", "-exec", "echo", pkg)
	})
}

// Tool returns where a tool of the module in tools is, built.
func Tool(name string) (string, error) {
	top, err := top()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(top, toolsModule)
	h := begin()
	for _, file := range []string{"go.mod", "go.sum"} { // they have the sums of all that it is made of
		if err := add(h, dir, file); err != nil {
			return "", err
		}
	}
	return remembered(name, fmt.Sprintf("%x", h.Sum(nil)), func() (string, error) { return ask(dir, "tool", "-n", name) })
}

// ask returns the last line that the Go tool prints.
func ask(dir string, arguments ...string) (string, error) {
	cmd := exec.Command("go", arguments...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(arguments, " "), err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1]), nil
}

// top returns the directory of the module that the tests' directory is in.
func top() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(b), "module "+module+"\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("the test does not run in the checkout")
		}
		dir = up
	}
}

// sumOf returns a sum of the module's files, except for tests and texts. The Go tool reuses the result
// of a test until what the test has read changes: that has to include the sources of the commands.
func sumOf(top string) (string, error) {
	h := begin()
	err := fs.WalkDir(os.DirFS(top), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || p == ".":
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || isModule(filepath.Join(top, p))):
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasSuffix(p, "_test.go") || strings.HasSuffix(p, ".md"):
			return nil
		}
		return add(h, top, p)
	})
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// begin begins a sum with what else decides what is built.
func begin() hash.Hash {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range []string{"GOFLAGS", "GOEXPERIMENT", "GOAMD64", "GOARM64"} {
		fmt.Fprintf(h, "%s=%s\n", name, os.Getenv(name))
	}
	return h
}

// add adds a file's name, size and content.
func add(h io.Writer, top, file string) error {
	b, err := os.ReadFile(filepath.Join(top, file))
	if err == nil {
		_, err = fmt.Fprintf(h, "%s %d\n%s", file, len(b), b)
	}
	return err
}
