package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestProbeFindsWriters(t *testing.T) {
	needLeases(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	for _, c := range []struct {
		name string
		flag int
		want writers
	}{
		{"write only", os.O_WRONLY, busy},
		{"read and write", os.O_RDWR, busy},
		{"append", os.O_WRONLY | os.O_APPEND, busy},
		{"read only", os.O_RDONLY, free},
	} {
		f, err := os.OpenFile(name, c.flag|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := probeFile(name); err != nil || l.writers != c.want {
			t.Errorf("%s: %+v, %v", c.name, l, err)
		}
		_ = f.Close()
		if l, err := probeFile(name); err != nil || l.writers != free {
			t.Errorf("%s, closed: %+v, %v", c.name, l, err)
		}
	}
	if _, err := probeFile(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if l, err := probeFile(dir); err != nil || l.mode != fs.ModeDir {
		t.Errorf("directory: %+v, %v", l, err)
	}
	if l, err := probeFile("/dev/null"); err != nil || l.mode != fs.ModeDevice {
		t.Errorf("device: %+v, %v", l, err)
	}
}

// A writer that opens a file under our lease waits until the lease is dropped, and the kernel sends
// this process SIGIO. The writer must not notice that.
func TestProbesDoNotHoldUpAWriter(t *testing.T) {
	needLeases(t)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var found [3]int
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			l, err := probeFile(name)
			if err != nil {
				t.Error(err)
				return
			}
			found[l.writers]++
		}
	})
	const writes = 5000
	var slowest time.Duration
	for n := range writes {
		begin := time.Now()
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(begin))
		if _, err := fmt.Fprintf(f, "%7d\n", n); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	b, err := os.ReadFile(name)
	if err != nil || len(b) != 8*writes {
		t.Errorf("%d bytes, %v; want %d", len(b), err, 8*writes)
	}
	if slowest > 5*time.Second { // a lease that is not dropped is taken away after 45 s
		t.Errorf("an open took %v", slowest)
	}
	t.Logf("%d probes met a writer, %d did not; the slowest open took %v", found[busy], found[free], slowest)
}

// The kernel reports a close before the writer has left. A probe between the two must not make the
// file wait for another close.
func TestEveryCloseIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	needLeases(t)
	w := prepare(t, t.TempDir(), Options{Backend: Inotify, SlowSettle: time.Hour})
	w.run()
	w.ready()
	for n := range 1000 {
		w.write("playlist.m3u8", fmt.Sprint(n))
		w.times(n+1, Closed, "playlist.m3u8")
	}
}

func BenchmarkProbe(b *testing.B) {
	name := filepath.Join(b.TempDir(), "file")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	for _, state := range []string{"open", "closed"} {
		b.Run(state, func(b *testing.B) {
			for b.Loop() {
				if _, err := probeFile(name); err != nil {
					b.Fatal(err)
				}
			}
		})
		_ = f.Close()
	}
}

func BenchmarkScan(b *testing.B) {
	const files = 10_000
	root := b.TempDir()
	for n := range files {
		dir := filepath.Join(root, fmt.Sprint("s", n%50))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.ts", n)), nil, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	tr := newTree(New(root, Options{Backend: Poll}))
	tr.checkRoot()
	for len(tr.out.old.order) < files { // the backlog waits for oldPause
		tr.step()
	}
	for b.Loop() {
		tr.rescanAll()
		for len(tr.scans.queue) > 0 {
			tr.step()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/files, "ns/file")
}
