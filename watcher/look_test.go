package watcher

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A look is no promise: the file is closed when it would be anyway, only sooner than the next scan.
func TestLookFindsWhatTheNextScanWouldFind(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Poll, PollInterval: time.Hour})
	mkdir := func(dir string) {
		if err := os.MkdirAll(filepath.Join(w.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mkdir("g/s")
	w.write("g/s/0.ts", "x")
	w.run()
	w.closed("g/s/0.ts")
	w.write("g/s/1.ts", "x")
	mkdir("new/s")
	w.write("new/s/1.ts", "x")
	w.write("g/s/2.ts", "x")
	open, err := os.OpenFile(filepath.Join(w.root, "g/s/2.ts"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.Look("g/s/1.ts", "new/s/1.ts", "g/s/2.ts", "g/s/none.ts", "../outside", "g//s/1.ts", "g", "")
	w.closed("g/s/1.ts")
	w.closed("new/s/1.ts")
	if l, err := w.probe(open.Name()); err == nil && l.writers == busy {
		time.Sleep(5 * DefaultSettle) // nothing can tell that nothing happens
		if evs := w.of("g/s/2.ts"); len(evs) > 0 {
			t.Errorf("a file that is being written: %v", evs)
		}
	}
	open.Close()
	w.closed("g/s/2.ts")
	for _, e := range w.all() {
		if e.Op != Closed {
			t.Errorf("%+v", e)
		}
	}
}
