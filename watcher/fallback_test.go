//go:build linux

package watcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// withoutLeases returns a running watcher that cannot ask for writers.
func withoutLeases(t *testing.T, b Backend, slow time.Duration) *watch {
	t.Helper()
	w := prepare(t, t.TempDir(), Options{Backend: b, SlowSettle: slow})
	w.probe = lookFile
	w.run()
	w.ready()
	return w
}

var allBackends = []Backend{Inotify, Fsnotify, Poll}

func TestWithoutLeasesAFileIsClosedWhenUnchangedForLong(t *testing.T) {
	for _, b := range allBackends {
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			const slow = 400 * time.Millisecond
			w := withoutLeases(t, b, slow)
			f := w.open("1.ts")
			for range 6 {
				w.put(f, "x")
				time.Sleep(slow / 4) // a writer that pauses
			}
			if evs := w.of("1.ts"); len(evs) != 0 {
				t.Fatalf("events of a file that is written: %v", evs)
			}
			end := time.Now()
			w.put(f, "the end")
			w.close(f)
			w.closed("1.ts")
			if d := time.Since(end); d < slow/2 {
				t.Errorf("closed after %v", d)
			}
			if evs := w.of("1.ts"); len(evs) != 1 {
				t.Errorf("events: %v", evs)
			}
		})
	}
}

func TestWithoutLeasesAnExpectedFileIsClosedWhenTheNextExists(t *testing.T) {
	for _, b := range allBackends {
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			w := withoutLeases(t, b, time.Hour)
			w.write("1.ts", "x")
			w.Expect("1.ts")
			w.write("other.key", "another kind of file says nothing")
			time.Sleep(5 * DefaultSettle) // no event can tell that nothing happens here: all others wait for an hour
			if evs := w.of("1.ts"); len(evs) != 0 {
				t.Fatalf("events before the next chunk exists: %v", evs)
			}
			w.write("2.ts", "y")
			w.closed("1.ts")
			if evs := w.of("2.ts"); len(evs) != 0 {
				t.Errorf("events of the newest chunk: %v", evs)
			}
		})
	}
}

func TestWithoutLeasesAQuickFileIsClosedSoon(t *testing.T) {
	for _, b := range allBackends {
		t.Run(b.String(), func(t *testing.T) {
			w := withoutLeases(t, b, time.Hour)
			for n := range 3 {
				w.write("playlist.m3u8", fmt.Sprint(n, strings.Repeat("x", n)))
				w.closed("playlist.m3u8")
			}
		})
	}
}

func TestFilesOfOneScanDoNotFollowEachOther(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Poll, SlowSettle: time.Hour})
	w.probe = lookFile
	w.write("10.ts", "x")
	w.write("9.ts", "x") // only its name is later
	w.run()
	w.ready()
	w.Expect("10.ts", "9.ts")
	time.Sleep(5 * DefaultSettle)
	if evs := w.all(); len(evs) != 0 {
		t.Errorf("events: %v", evs)
	}
}

func TestSharedFileSystemIsPolledWithoutLeases(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{})
	w.statfs = func(string) (fileSystem, error) { return fileSystem{name: "nfs", shared: true}, nil }
	w.probe = func(string) (look, error) { panic("a lease on a shared file system") }
	w.run()
	w.write("1.ts", "x")
	w.closed("1.ts")
	if s := w.State(); s.Backend != Poll || s.Watches != 0 || s.Degraded {
		t.Errorf("state: %+v", s)
	}
	if w.log.count("filesystem=nfs") != 1 {
		t.Errorf("the log does not say why:\n%s", w.log)
	}
}

func TestAutoIsInotifyOnALocalFileSystem(t *testing.T) {
	w := started(t, Auto)
	if s := w.State(); s.Backend != Inotify || s.Watches != 1 {
		t.Errorf("state: %+v", s)
	}
}

// fewWatches fails as the kernel does when the user has all watches that he may have.
type fewWatches struct {
	notifier
	left *atomic.Int32
	dirs map[string]bool
}

func (n fewWatches) watch(dir string) error {
	if !n.dirs[dir] && n.left.Add(-1) < 0 {
		n.left.Add(1)
		return fmt.Errorf("inotify_add_watch %q: %w", dir, unix.ENOSPC)
	}
	n.dirs[dir] = true
	return n.notifier.watch(dir)
}

func TestTreeIsScannedWhereWatchesRunOut(t *testing.T) {
	for _, b := range []Backend{Inotify, Fsnotify} {
		t.Run(b.String(), func(t *testing.T) {
			w := prepare(t, t.TempDir(), Options{Backend: b})
			create := w.newNotify
			var left atomic.Int32
			left.Store(3)
			w.newNotify = func(b Backend) (notifier, error) {
				n, err := create(b)
				return fewWatches{n, &left, map[string]bool{}}, err
			}
			for n := range 10 {
				w.mkdir(fmt.Sprint("g", n))
			}
			w.run()
			w.ready()
			if s := w.State(); !s.Degraded || s.Watches != 3 {
				t.Errorf("state: %+v", s)
			}
			for n := range 10 {
				w.write(fmt.Sprintf("g%d/1.ts", n), "x")
			}
			for n := range 10 {
				w.closed(fmt.Sprintf("g%d/1.ts", n))
			}
			f := w.open("g9/2.ts")
			w.put(f, "x")
			w.fence("fence")
			if evs := w.of("g9/2.ts"); len(evs) != 0 {
				t.Fatalf("events of a file that is open: %v", evs)
			}
			w.close(f)
			w.closed("g9/2.ts")
			for _, s := range []string{"level=ERROR", "fs.inotify.max_user_watches", "needed=11", `hint="sysctl -w fs.inotify.max_user_watches=`} {
				if n := w.log.count(s); n < 1 || n > 2 {
					t.Errorf("%d times %s in the log, want 1 or 2:\n%s", n, s, w.log)
				}
			}
			left.Store(100)
			w.eventually("all directories are watched", func() bool { s := w.State(); return !s.Degraded && s.Watches == 11 })
		})
	}
}

func TestRootIsPolledWhereNotifiersRunOut(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Inotify})
	w.newNotify = func(Backend) (notifier, error) { return nil, fmt.Errorf("inotify_init1: %w", unix.EMFILE) }
	w.run()
	w.ready()
	w.write("1.ts", "x")
	w.closed("1.ts")
	if s := w.State(); s.Backend != Poll {
		t.Errorf("state: %+v", s)
	}
	if w.log.count("fs.inotify.max_user_instances") == 0 {
		t.Errorf("the log does not say why:\n%s", w.log)
	}
}

func TestBackendThatTheSystemLacksIsReplaced(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Inotify})
	create := w.newNotify
	w.newNotify = func(b Backend) (notifier, error) {
		if b == Inotify {
			return nil, errors.ErrUnsupported
		}
		return create(b)
	}
	w.run()
	w.ready()
	if s := w.State(); s.Backend != Fsnotify {
		t.Errorf("state: %+v", s)
	}
}

func TestUnmountedRootIsNoDeletion(t *testing.T) {
	for _, b := range allBackends {
		t.Run(b.String(), func(t *testing.T) {
			w := prepare(t, filepath.Join(t.TempDir(), "root"), Options{Backend: b})
			w.mkdir("")
			mount := func() {
				t.Helper()
				if err := unix.Mount("tmpfs", w.root, "tmpfs", 0, ""); err != nil {
					t.Skipf("cannot mount: %v", err)
				}
			}
			unmount := func() { _ = unix.Unmount(w.root, unix.MNT_DETACH) }
			mount()
			t.Cleanup(unmount)
			w.mkdir("g")
			w.write("g/1.ts", "x")
			w.run()
			w.closed("g/1.ts")
			unmount()
			w.eventually("the log line", func() bool { return w.log.count("is its file system not mounted") > 0 })
			w.fence("fence") // what is written to the mount point is seen
			if evs := w.of("g/1.ts"); len(evs) != 1 {
				t.Errorf("events: %v", evs)
			}
			mount() // an empty one: now the file is really gone
			w.mkdir("other")
			w.last(Removed, "g/1.ts")
			w.write("other/1.ts", "x")
			w.closed("other/1.ts")
		})
	}
}

func TestFileThatCannotBeReadIsClosedAllTheSame(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Inotify})
	w.probe = func(path string) (look, error) {
		l, err := probeFile(path)
		l.writers = unknown // as after EACCES
		return l, err
	}
	w.run()
	w.write("1.ts", "x")
	w.closed("1.ts")
}

func TestLeasesThatTheKernelRefusesAreCounted(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Inotify, SlowSettle: 20 * time.Millisecond})
	w.probe = func(path string) (look, error) {
		l, err := probeFile(path)
		l.writers, l.noLease = unknown, syscall.EACCES
		return l, err
	}
	w.run()
	if n := w.State().Refusals; n != 0 {
		t.Errorf("%d refusals without a file", n)
	}
	w.write("1.ts", "x")
	w.closed("1.ts")
	w.eventually("the refusal is counted", func() bool { return w.State().Refusals > 0 })
}

func TestFileThatCannotBeLookedAtIsTriedAgain(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Inotify, SlowSettle: 20 * time.Millisecond})
	var broken atomic.Int32
	broken.Store(5)
	w.probe = func(path string) (look, error) {
		if strings.HasSuffix(path, "1.ts") && broken.Add(-1) >= 0 {
			return look{}, &os.PathError{Op: "lstat", Path: path, Err: syscall.EIO}
		}
		return probeFile(path)
	}
	w.run()
	w.write("1.ts", "x")
	w.closed("1.ts")
	if n := w.log.count("cannot look at files"); n != 1 || w.log.count("files can be looked at again") != 1 {
		t.Errorf("%d log lines, want 1, and one on the recovery:\n%s", n, w.log)
	}
}

// A directory whose files cannot be looked at is told as long as that is so, and is one line.
func TestUnseenDirectoryIsToldUntilItIsSeen(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Inotify, SlowSettle: 20 * time.Millisecond})
	var hidden atomic.Bool
	w.probe = func(path string) (look, error) {
		if hidden.Load() {
			return look{}, &os.PathError{Op: "lstat", Path: path, Err: syscall.EACCES}
		}
		return probeFile(path)
	}
	w.run()
	makeDir(t, w.root, "g/s")
	w.write("g/s/1.ts", "x")
	w.closed("g/s/1.ts")
	if u := w.Unseen(); len(u) != 0 {
		t.Errorf("%+v cannot be seen, before anything is hidden", u)
	}
	hidden.Store(true)
	w.write("g/s/2.ts", "x")
	w.write("g/s/3.ts", "x")
	w.eventually("the directory is told", func() bool {
		u := w.Unseen()
		return len(u) == 1 && u[0].Dir == "g/s" && errors.Is(u[0].Err, syscall.EACCES) && !u[0].Since.IsZero()
	})
	hidden.Store(false)
	w.closed("g/s/2.ts")
	w.closed("g/s/3.ts")
	w.eventually("it is seen again", func() bool { return len(w.Unseen()) == 0 })
	if w.log.count("cannot look at files") != 1 || w.log.count("files can be looked at again") != 1 {
		t.Errorf("not one line, and one on the recovery:\n%s", w.log)
	}
}

func makeDir(t *testing.T, root, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestRootThatVanishesIsUnseen(t *testing.T) {
	w := prepare(t, filepath.Join(t.TempDir(), "root"), Options{Backend: Inotify})
	w.run()
	w.eventually("the missing root is told", func() bool { u := w.Unseen(); return len(u) == 1 && u[0].Dir == "" })
	makeDir(t, w.root, "g/s")
	w.write("g/s/1.ts", "x")
	w.closed("g/s/1.ts")
	w.eventually("the root is seen", func() bool { return len(w.Unseen()) == 0 })
}

func TestSecondRunFails(t *testing.T) {
	w := started(t, Poll)
	if err := w.Run(t.Context(), nil); err == nil {
		t.Error("a second Run succeeded")
	}
}

func TestEachBackendHasAName(t *testing.T) {
	for _, b := range []Backend{Auto, Inotify, Fsnotify, Poll} {
		if got, err := ParseBackend(b.String()); got != b || err != nil {
			t.Errorf("ParseBackend(%q) = %v, %v", b.String(), got, err)
		}
	}
	if _, err := ParseBackend("kqueue"); err == nil || !strings.Contains(err.Error(), "inotify") {
		t.Errorf("ParseBackend(kqueue): %v", err)
	}
}
