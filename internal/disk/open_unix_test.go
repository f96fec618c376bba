//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// promptly fails the test if f waits.
func promptly(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

// special makes a file of each type in dir, regular files excepted, and returns their names.
func special(t *testing.T, dir string) (names []string) {
	t.Helper()
	made := func(name string, err error) {
		t.Helper()
		if errors.Is(err, fs.ErrPermission) {
			return // making a device needs a privilege
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	made("fifo", syscall.Mkfifo(at("fifo"), 0o644))
	l, err := net.Listen("unix", at("socket"))
	made("socket", err)
	t.Cleanup(func() { l.Close() })
	made("directory", os.Mkdir(at("directory"), 0o755))
	made("link", os.Symlink("regular", at("link")))
	made("link to a fifo", os.Symlink("fifo", at("link to a fifo")))
	made("link to itself", os.Symlink("link to itself", at("link to itself")))
	if runtime.GOOS == "linux" {
		made("zero", syscall.Mknod(at("zero"), syscall.S_IFCHR|0o644, 1<<8|5))
		made("no driver", syscall.Mknod(at("no driver"), syscall.S_IFBLK|0o644, 249<<8|77))
	}
	return names
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	t.Chdir(t.TempDir()) // a socket's name is limited to some hundred bytes
	if err := os.WriteFile("regular", []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := OpenRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range special(t, ".") {
		promptly(t, name, func() {
			for how, open := range map[string]func() (*os.File, error){
				"by path": func() (*os.File, error) { return Open(name) },
				"in root": func() (*os.File, error) { return OpenIn(root, name) },
			} {
				f, err := open()
				if err == nil {
					f.Close()
				}
				var e *NotRegularError
				if !errors.As(err, &e) || e.Type == 0 || !IsGone(err) {
					t.Errorf("%s, %s: %v", name, how, err)
				}
			}
			if content, err := ReadFile(name, 10); err == nil {
				t.Errorf("%s: read %q", name, content)
			}
		})
	}
	if content, err := ReadFile("regular", 7); err != nil || string(content) != "content" {
		t.Errorf("a regular file: %q, %v", content, err)
	}
}

func TestOnlyDirectoriesAreOpenedAsDirectories(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("regular", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := OpenRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range append(special(t, "."), "regular") {
		promptly(t, name, func() {
			for how, open := range map[string]func() (interface{ Close() error }, error){
				"by path":        func() (interface{ Close() error }, error) { return OpenDir(name) },
				"in root":        func() (interface{ Close() error }, error) { return OpenDirIn(root, name) },
				"as root":        func() (interface{ Close() error }, error) { return OpenRoot(name) },
				"file in it":     func() (interface{ Close() error }, error) { return OpenIn(root, name+"/1.ts") },
				"file, by path":  func() (interface{ Close() error }, error) { return Open(name + "/1.ts") },
				"with a list":    func() (interface{ Close() error }, error) { _, err := ReadDir(name); return root, err },
				"list of a root": func() (interface{ Close() error }, error) { _, err := ReadRoot(name); return root, err },
			} {
				d, err := open()
				isDir := name == "directory" && how != "file in it" && how != "file, by path"
				if (err == nil) != isDir {
					t.Errorf("%s, %s: %v", name, how, err)
				}
				if err == nil && d != root {
					d.Close()
				}
			}
			if IsEmpty(name) != (name == "directory") {
				t.Errorf("%s: IsEmpty is wrong", name)
			}
		})
	}
}

// The operator names a root.
func TestRootMayBeASymbolicLink(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(dir+"/real/g", 0o755), os.Symlink("real", dir+"/link")); err != nil {
		t.Fatal(err)
	}
	root, err := OpenRoot(dir + "/link")
	if err != nil {
		t.Fatal(err)
	}
	root.Close()
	for _, name := range []string{"/link", "/link/"} {
		if list, err := ReadRoot(dir + name); err != nil || len(list) != 1 || list[0].Name() != "g" {
			t.Errorf("ReadRoot: %v, %v", list, err)
		}
	}
	if _, err := ReadDir(dir + "/link"); err == nil {
		t.Error("ReadDir follows a symbolic link")
	}
}

// The name is that of a file, a FIFO and a link to a directory in turn, as fast as possible: a look
// does not say what the next one finds.
func TestOpenOfANameThatBecomesAFIFODoesNotWait(t *testing.T) {
	dir := t.TempDir()
	err := errors.Join(os.WriteFile(dir+"/file", []byte("x"), 0o644), syscall.Mkfifo(dir+"/fifo", 0o644),
		os.Mkdir(dir+"/dir", 0o755))
	if err != nil {
		t.Fatal(err)
	}
	root, err := OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for {
			for _, what := range []string{"file", "fifo", "dir"} {
				select {
				case <-stop:
					return
				default:
				}
				os.Remove(dir + "/new")
				if os.Symlink(what, dir+"/new") != nil || what != "dir" && (os.Remove(dir+"/new") != nil || os.Link(dir+"/"+what, dir+"/new") != nil) {
					t.Error("cannot swap")
					return
				}
				os.Rename(dir+"/new", dir+"/name") // a rename between two names of one file does nothing
			}
		}
	})
	promptly(t, "an open", func() {
		opened := 0
		for end := time.Now().Add(time.Second); time.Now().Before(end); {
			for _, open := range []func() (*os.File, error){
				func() (*os.File, error) { return Open(dir + "/name") },
				func() (*os.File, error) { return OpenIn(root, "name") },
				func() (*os.File, error) { return OpenDir(dir + "/name") },
				func() (*os.File, error) { return OpenDirIn(root, "name") },
			} {
				f, err := open()
				if err != nil {
					continue
				}
				opened++
				if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() && !fi.IsDir() {
					t.Errorf("opened: %v, %v", fi, err)
				}
				f.Close()
			}
		}
		if opened == 0 {
			t.Error("nothing was ever opened")
		}
	})
	close(stop)
	swapping.Wait()
}
