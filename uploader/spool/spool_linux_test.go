package spool

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

// A desk is a root and its running spool, with what it has reported.
type desk struct {
	*Spool
	t        *testing.T
	log      *syncBuffer
	mu       sync.Mutex
	found    []string
	evicted  []string
	returned []string
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.b.String(), text)
}

func newDesk(t *testing.T, root, dir string, budget *Budget) *desk {
	t.Helper()
	d := &desk{t: t, log: &syncBuffer{}}
	d.Spool = New(Settings{
		Root: root, Dir: dir, Budget: budget, Log: slog.New(slog.NewTextHandler(d.log, nil)),
		Found: func(_ context.Context, p string, _ media.Version) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.found = append(d.found, p)
		},
		Returned: func(p string) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.returned = append(d.returned, p)
		},
		Evicted: func(_ context.Context, p string) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.evicted = append(d.evicted, p)
		},
	})
	ctx, end := context.WithCancel(context.Background())
	go d.Run(ctx)
	t.Cleanup(func() { end(); <-d.done })
	return d
}

// keepAndDelete has a new file kept, and then deletes it.
func (d *desk) keepAndDelete(p, content string) {
	d.t.Helper()
	d.write(p, content)
	d.keepIt(p)
	d.delete(p)
}

func (d *desk) write(p, content string) {
	d.t.Helper()
	name := filepath.Join(d.Root, p)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) keepIt(p string) {
	d.t.Helper()
	fi, err := os.Stat(filepath.Join(d.Root, p))
	if err != nil {
		d.t.Fatal(err)
	}
	d.Keep(d.t.Context(), p, media.VersionOf(fi))
}

func (d *desk) release(p string) {
	d.t.Helper()
	v, found, _ := d.Find(d.t.Context(), p)
	if !found {
		d.t.Fatal(p, " is not kept")
	}
	d.Release(p, v)
}

func (d *desk) delete(p string) {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.Root, p)); err != nil {
		d.t.Fatal(err)
	}
	d.Gone(p)
}

func (d *desk) content(p string) string {
	d.t.Helper()
	f, err := d.Open(d.t.Context(), p)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

// mount mounts a tmpfs and returns its directory. With few inodes it is soon full: each link takes
// one.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, options); err != nil {
		t.Skip("cannot mount: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// It is reported once, however often the disk is full again.
func TestFilesAreHeldOpenOnAFullDisk(t *testing.T) {
	root := mount(t, "nr_inodes=30")
	d := newDesk(t, root, filepath.Join(root, DirName), NewBudget(0, 1))
	for n := range 20 {
		d.write(fmt.Sprintf("s/%d.ts", n), fmt.Sprint("chunk ", n))
	}
	for n := range 20 {
		d.keepIt(fmt.Sprintf("s/%d.ts", n))
		if n == 12 {
			d.release("s/0.ts") // there is room for one again
		}
	}
	for n := range 20 {
		d.delete(fmt.Sprintf("s/%d.ts", n))
	}
	for n := 1; n < 20; n++ {
		if got := d.content(fmt.Sprintf("s/%d.ts", n)); got != fmt.Sprint("chunk ", n) {
			t.Errorf("%d.ts: %s", n, got)
		}
	}
	if n := d.log.count("cannot be linked"); n != 1 {
		t.Errorf("the failure is logged %d times:\n%s", n, &d.log.b)
	}
	if n := d.log.count("no space left"); n == 0 {
		t.Errorf("the reason is not logged:\n%s", &d.log.b)
	}
}

// Under systemd, ReadWritePaths= may be missing.
func TestReadOnlyFileSystemIsReportedWithAHint(t *testing.T) {
	root := mount(t, "")
	d := newDesk(t, root, filepath.Join(root, DirName), NewBudget(0, 1))
	d.keepAndDelete("s/0.ts", "chunk 0")
	if err := os.WriteFile(filepath.Join(root, "s/1.ts"), []byte("chunk 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", root, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(filepath.Join(root, "s/1.ts"))
	if err != nil {
		t.Fatal(err)
	}
	d.Keep(t.Context(), "s/1.ts", media.VersionOf(fi))
	for n := range 2 {
		if got := d.content(fmt.Sprintf("s/%d.ts", n)); got != fmt.Sprint("chunk ", n) {
			t.Errorf("%d.ts: %s", n, got)
		}
	}
	if n := d.log.count("ReadWritePaths="); n != 1 {
		t.Errorf("the hint is logged %d times:\n%s", n, &d.log.b)
	}
}

// R8: the oldest files are given up.
func TestHeldFilesAreBounded(t *testing.T) {
	root, other := t.TempDir(), mount(t, "")
	budget := NewBudget(0, 1)
	budget.maxHeld = 5
	d := newDesk(t, root, other, budget)
	for n := range 8 {
		d.keepAndDelete(fmt.Sprintf("s/%d.ts", n), fmt.Sprint("chunk ", n))
	}
	for n := range 8 {
		if got := d.content(fmt.Sprintf("s/%d.ts", n)); (got == fmt.Sprint("chunk ", n)) != (n >= 3) {
			t.Errorf("%d.ts: %s", n, got)
		}
	}
	if len(d.evicted) != 3 {
		t.Errorf("given up: %q", d.evicted)
	}
	if n := d.log.count("same"); n > 1 {
		t.Errorf("the reason is logged %d times", n)
	}
}

// Links outlive the process. A name may have gone before it was reported.
func TestR6WhatIsKeptIsFoundAfterARestart(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, DirName)
	first := newDesk(t, root, dir, NewBudget(0, 1))
	first.keepAndDelete("s/gone.ts", "gone")
	first.keepAndDelete("s/back.ts", "old")
	if err := os.WriteFile(filepath.Join(root, "s/back.ts"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	second := newDesk(t, root, dir, NewBudget(0, 1))
	if got := second.content("s/gone.ts"); got != "gone" {
		t.Errorf("gone.ts: %s", got)
	}
	if _, found, _ := second.Find(t.Context(), "s/back.ts"); found {
		t.Error("what has been replaced is still kept")
	}
	<-second.Scanned()
	second.mu.Lock()
	defer second.mu.Unlock()
	if len(second.found) != 1 || second.found[0] != "s/gone.ts" {
		t.Errorf("found: %q", second.found)
	}
}

// They are removed some time after the last link in them.
func TestEmptyDirectoriesAreRemoved(t *testing.T) {
	root := t.TempDir()
	d := newDesk(t, root, filepath.Join(root, DirName, "hls"), NewBudget(0, 1))
	d.keepAndDelete("g/s/0.ts", "x")
	d.keepAndDelete("g/t/0.ts", "x")
	d.keepAndDelete("g/s/0.ts", "another") // whose link takes the place of the first
	d.release("g/s/0.ts")
	d.ask(t.Context(), func() { d.tidy(t.Context()) })
	if _, err := os.Stat(filepath.Join(d.Dir, "g/s")); !os.IsNotExist(err) {
		t.Errorf("g/s: %v", err)
	}
	if _, err := os.Stat(filepath.Join(d.Dir, "g/t/0.ts")); err != nil {
		t.Error(err)
	}
}

// The watcher reports only names that it has reported as closed.
func TestR6NameThatGoesWithoutAReportIsKept(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, DirName)
	first := newDesk(t, root, dir, NewBudget(0, 1))
	name := filepath.Join(root, "0.ts")
	if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	first.Keep(t.Context(), "0.ts", media.VersionOf(fi))
	second := newDesk(t, root, dir, NewBudget(0, 1))
	<-second.Scanned()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	second.ask(t.Context(), func() { second.tidy(t.Context()) })
	if got := second.Budget.Used(); got != 1 || len(second.found) != 1 {
		t.Errorf("%d bytes are counted, found: %q", got, second.found)
	}
}

// A process that has ended is no owner.
func TestTwoOwnersOfOneSpoolAreReported(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, DirName)
	t.Run("first", func(t *testing.T) {
		first := newDesk(t, root, dir, NewBudget(0, 1))
		first.ask(t.Context(), func() {})
		second := newDesk(t, root, dir, NewBudget(0, 1))
		second.ask(t.Context(), func() {})
		if first.log.count("another ems-sidecar") != 0 || second.log.count("another ems-sidecar") != 1 {
			t.Errorf("the log of the first: %s, of the second: %s", &first.log.b, &second.log.b)
		}
	})
	third := newDesk(t, root, dir, NewBudget(0, 1))
	third.ask(t.Context(), func() {})
	if third.log.count("another ems-sidecar") != 0 {
		t.Errorf("when the others are gone: %s", &third.log.b)
	}
}

// While the root is unmounted, its files are neither counted nor given up. When it is back, they
// are kept, and Returned is called for what else its spool has.
func TestR6RootThatIsNotMountedKeepsWhatItHas(t *testing.T) {
	disk, root := mount(t, ""), t.TempDir()
	bind := func() {
		if err := syscall.Mount(disk, root, "", syscall.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
	bind()
	t.Cleanup(func() { syscall.Unmount(root, syscall.MNT_DETACH) })
	d := newDesk(t, root, filepath.Join(root, DirName), NewBudget(10, 1))
	d.write("s/0.ts", "chunk 0")
	d.write("s/1.ts", "chunk 1")
	d.keepIt("s/0.ts")
	<-d.Scanned()
	if err := syscall.Unmount(root, 0); err != nil { // nothing is open
		t.Fatal(err)
	}
	d.Gone("s/0.ts")
	d.ask(t.Context(), func() { d.tidy(t.Context()) })
	if got := d.Budget.Used(); got != 0 {
		t.Errorf("%d bytes are counted of files that have their names", got)
	}
	if _, err := d.Open(t.Context(), "s/0.ts"); err == nil || os.IsNotExist(err) {
		t.Errorf("the error is %v, as of a deleted file", err)
	}
	if err := os.Link(filepath.Join(disk, "s/1.ts"), filepath.Join(disk, DirName, "s/1.ts")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(disk, "s/0.ts"), time.Time{}, time.Unix(1, 0)); err != nil { // as if it was written to
		t.Fatal(err)
	}
	bind()
	d.ask(t.Context(), func() {
		for d.prepare(); d.scanning != nil; {
			d.goOnScanning(t.Context())
		}
	})
	d.delete("s/0.ts")
	if got := d.content("s/0.ts"); got != "chunk 0" {
		t.Errorf("0.ts: %s", got)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.log.count("does not have the spool"); n > 0 {
		t.Errorf("it counts as lost: %s", &d.log.b)
	}
	if len(d.returned) != 1 || d.returned[0] != "s/1.ts" || len(d.evicted) > 0 {
		t.Errorf("reported: %q, given up: %q", d.returned, d.evicted)
	}
}

// A later start would find old content under the name.
func TestOldLinkIsRemovedWhereTheNewContentCannotBeLinked(t *testing.T) {
	root := mount(t, "nr_inodes=10")
	d := newDesk(t, root, filepath.Join(root, DirName), NewBudget(0, 1))
	d.write("s/0.ts", "old")
	d.keepIt("s/0.ts")
	d.delete("s/0.ts")
	d.write("s/0.ts", "newer")
	for n := range 20 { // until the disk is full
		if os.WriteFile(filepath.Join(root, fmt.Sprint(n)), nil, 0o644) != nil {
			break
		}
	}
	d.keepIt("s/0.ts")
	d.delete("s/0.ts")
	if got := d.content("s/0.ts"); got != "newer" {
		t.Errorf("0.ts: %s", got)
	}
	if fi, err := os.Stat(filepath.Join(d.Dir, "s/0.ts")); err == nil {
		t.Errorf("the spool has %d bytes of the old content", fi.Size())
	}
}

// R8: a file may have another size when it is released than when it was counted.
func TestBudgetIsFreedOfWhatWasCounted(t *testing.T) {
	root := t.TempDir()
	d := newDesk(t, root, filepath.Join(root, DirName), NewBudget(0, 1))
	d.write("s/0.ts", "short")
	d.keepIt("s/0.ts")
	f, err := os.OpenFile(filepath.Join(root, "s/0.ts"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d.delete("s/0.ts")
	d.ask(t.Context(), func() {})
	if _, err := f.WriteString(", and then long"); err != nil {
		t.Fatal(err)
	}
	v, _, _ := d.Find(t.Context(), "s/0.ts")
	d.Release("s/0.ts", v)
	d.ask(t.Context(), func() {})
	if got := d.Budget.Used(); got != 0 {
		t.Errorf("%d bytes are counted of nothing", got)
	}
}

// R9: spools on one file system share its budget. The order in which files were found does not
// matter.
func TestOldestFileOfAllSpoolsIsGivenUpFirst(t *testing.T) {
	root := t.TempDir()
	const room = 4*int64(len("chunk 9")) + int64(len("chunk 20"))
	budget := NewBudget(room, 2)
	hls := newDesk(t, root, filepath.Join(root, DirName, "hls"), budget)
	hds := newDesk(t, root, filepath.Join(root, DirName, "hds"), budget)
	begin := time.Now()
	leave := func(d *desk, n int) {
		p := fmt.Sprintf("s/%d.ts", n)
		d.write(p, fmt.Sprint("chunk ", n))
		if at := begin.Add(time.Duration(n) * time.Second); os.Chtimes(filepath.Join(root, p), at, at) != nil {
			t.Fatal("cannot set the time of ", p)
		}
		d.keepIt(p)
		d.delete(p)
		d.ask(t.Context(), func() {})
	}
	for n := 9; n >= 2; n-- {
		leave(hls, n) // the youngest is the first to be found
	}
	leave(hds, 20)
	leave(hds, 1) // is the oldest of all
	for n, d := range map[int]*desk{1: hds, 2: hls, 3: hls, 4: hls, 5: hls, 6: hls, 7: hls, 8: hls, 9: hls, 20: hds} {
		d.ask(t.Context(), func() {})
		if got := d.content(fmt.Sprintf("s/%d.ts", n)); (got == fmt.Sprint("chunk ", n)) != (n >= 6) {
			t.Errorf("%d.ts: %s", n, got)
		}
	}
	if got := budget.Used(); got != room {
		t.Errorf("%d bytes are counted", got)
	}
	if got, want := budget.Usage(), []Usage{{root, room, room}}; !slices.Equal(got, want) {
		t.Errorf("the usage is %+v, want %+v", got, want)
	}
	if len(hls.evicted) != 4 || len(hds.evicted) != 1 {
		t.Errorf("given up: %q and %q", hls.evicted, hds.evicted)
	}
}

// Then a third owner is reported.
func TestSecondOwnerLocksTheSpoolWhenTheFirstHasEnded(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, DirName)
	first := New(Settings{Root: root, Dir: dir, Budget: NewBudget(0, 1), Log: slog.New(slog.DiscardHandler)})
	ctx, end := context.WithCancel(t.Context())
	go first.Run(ctx)
	first.ask(t.Context(), func() {})
	second := newDesk(t, root, dir, NewBudget(0, 1))
	second.ask(t.Context(), func() {})
	end()
	<-first.done
	second.ask(t.Context(), func() { second.prepare() })
	third := New(Settings{Root: root, Dir: dir})
	if !third.Occupied() || second.log.count("the other ems-sidecar has ended") != 1 {
		t.Errorf("the second has not got the lock: %s", &second.log.b)
	}
}

// Then its files are found, and it is locked.
func TestR6SpoolIsReadAsSoonAsLinksArePossible(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, DirName)
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // where it should be, something else is
		t.Fatal(err)
	}
	d := newDesk(t, root, dir, NewBudget(0, 1))
	d.write("s/1.ts", "chunk 1")
	d.keepIt("s/1.ts")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "s"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "s/0.ts"), []byte("chunk 0"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.write("s/2.ts", "chunk 2")
	d.keepIt("s/2.ts")
	if got := d.content("s/0.ts"); got != "chunk 0" {
		t.Errorf("what it had: %s", got)
	}
	if !New(Settings{Root: root, Dir: dir}).Occupied() {
		t.Error("it is not locked")
	}
}

// While the spool of an earlier run is read, a closed file is kept at once, and a file that is
// asked for is found.
func TestCallersDoNotWaitForTheScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := t.TempDir()
		dir := filepath.Join(root, DirName)
		if err := os.MkdirAll(filepath.Join(dir, "s"), 0o700); err != nil {
			t.Fatal(err)
		}
		const many = 1000
		for n := range many {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("s/%d.ts", n)), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(root, "new.ts"), []byte("new"), 0o644); err != nil {
			t.Fatal(err)
		}
		found, begun := 0, make(chan struct{})
		s := New(Settings{
			Root: root, Dir: dir, Budget: NewBudget(0, 1), Log: slog.New(slog.DiscardHandler),
			Found: func(context.Context, string, media.Version) {
				if found++; found == 1 {
					close(begun)
				}
				synctest.Wait() // until the next question waits for its answer
			},
		})
		ctx, end := context.WithCancel(t.Context())
		go s.Run(ctx)
		<-begun
		for n := range many / scanSlice / 2 { // one for each share of the scan, and before half of it
			if _, there, _ := s.Find(t.Context(), fmt.Sprintf("s/%d.ts", n)); !there {
				t.Errorf("%d.ts is not found", n)
			}
		}
		s.Keep(t.Context(), "new.ts", media.Version{Size: 3})
		select {
		case <-s.Scanned():
			t.Error("it is kept when all has been read")
		default:
		}
		<-s.Scanned()
		end()
		<-s.done
		if found != many {
			t.Errorf("%d files are reported, want %d", found, many)
		}
	})
}
