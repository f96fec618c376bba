package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// look fails the test if the path of h leads elsewhere than to want.
func look(t *testing.T, h *Home, want Sight) {
	t.Helper()
	got, err := h.Look()
	if got != want || (err != nil) != (want == Absent || want == Gone) {
		t.Fatalf("Look: %v, %v, want %v", got, err, want)
	}
}

func TestHomeIsTheDirectoryThatItsPathLedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home")
	h := NewHome(path, new(Calls))
	look(t, h, Absent)
	if h.Directory() != nil || h.IsUnmounted() {
		t.Error("a home that was never found has a directory")
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	look(t, h, Absent) // a file is no home
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	look(t, h, Found)
	first := h.Directory()
	if err := os.WriteFile(filepath.Join(path, "1.ts"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	look(t, h, Same)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	look(t, h, Gone)
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	look(t, h, Same)
	if h.Directory() != first {
		t.Error("the same directory is another one after it was gone")
	}
	if err := errors.Join(os.Rename(path, path+".away"), os.Mkdir(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	look(t, h, Replaced) // also if it is empty: it is on the same device
	if h.Directory() == first {
		t.Error("another directory is the same one")
	}
}

func TestOnlyTheDirectoryThatLookFoundIsEntered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home")
	h := NewHome(path, new(Calls))
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Enter(); err == nil {
		t.Error("a home that Look has not found is opened")
	}
	look(t, h, Found)
	root, err := h.Enter()
	if err != nil {
		t.Fatal(err)
	}
	root.Close()
	if err := errors.Join(os.Rename(path, path+".away"), os.Mkdir(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Enter(); !errors.Is(err, errMoved) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another directory is opened: %v", err)
	}
}

func TestSightsHaveNames(t *testing.T) {
	for s, want := range map[Sight]string{Same: "same", Unmounted: "unmounted", Gone: "gone", Gone + 1: "sight(7)"} {
		if s.String() != want {
			t.Errorf("%d is %q, want %q", s, s, want)
		}
	}
}

func TestFileSystemThatDoesNotAnswerIsAskedWithALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Calls
		began := time.Now()
		answered := make(chan struct{})
		hang := func() int { <-answered; return 1 }
		if n, ok := Ask(&c, time.Second, func() int { return 1 }); n != 1 || !ok || time.Since(began) != 0 {
			t.Errorf("a file system that answers: %d, %v, after %v", n, ok, time.Since(began))
		}
		if n, ok := Ask(&c, time.Second, hang); n != 0 || ok || time.Since(began) != time.Second {
			t.Errorf("one that does not: %d, %v, after %v", n, ok, time.Since(began))
		}
		time.Sleep(StuckAfter)
		if since := c.StuckSince(time.Now()); !since.Equal(began) {
			t.Errorf("stuck since %v, want %v", since, began)
		}
		again := time.Now()
		if _, ok := Ask(&c, time.Second, func() int { t.Error("it is asked again"); return 1 }); ok || time.Since(again) != 0 {
			t.Errorf("one that is stuck: %v, after %v", ok, time.Since(again))
		}
		close(answered)
		synctest.Wait()
		if n, ok := Ask(&c, time.Second, hang); n != 1 || !ok {
			t.Errorf("one that answers again: %d, %v", n, ok)
		}
	})
}
