package uploader

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ems-sidecar/media"
)

// sentOf returns what the kernel sends of the first n bytes of b.
func sentOf(t *testing.T, b *chunkBody, n int64) string {
	t.Helper()
	r, w, err := os.Pipe() // takes what a socket takes
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b.SendTo(w.Fd(), 0, n)
	w.Close()
	sent, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(sent)
}

func TestR1KernelSendsNothingOfALaterVersion(t *testing.T) {
	d := newDesk(t, Settings{})
	path := filepath.Join(t.TempDir(), "1.ts")
	write := func(content string, at time.Time) media.Version {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return media.VersionOf(fi)
	}
	v := write("the chunk", time.Unix(1, 0))
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := newChunkBody(f, v, d.src)
	read := d.src.disk.read.Load()
	if sent := sentOf(t, b, v.Size); sent != "the chunk" {
		t.Errorf("%q was sent", sent)
	}
	if n := d.src.disk.read.Load() - read; n != v.Size {
		t.Errorf("%d bytes count as read", n)
	}
	write("other one", time.Unix(2, 0))
	if sent := sentOf(t, b, v.Size); sent != "" {
		t.Errorf("%q was sent of the later version", sent)
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, errChanged) {
		t.Errorf("reading the rest gives %v", err)
	}
}
