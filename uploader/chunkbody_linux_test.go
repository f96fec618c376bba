package uploader

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ems-sidecar/media"
)

// sendTo has the kernel send n bytes of b, and returns what came of them.
func sendTo(t *testing.T, b *chunkBody, n int64) (came string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	socket, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Write(func(fd uintptr) bool { b.SendTo(fd, 0, n); return true }); err != nil {
		t.Fatal(err)
	}
	c.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	all, err := io.ReadAll(accepted)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
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
	if came := sendTo(t, b, v.Size); came != "the chunk" {
		t.Errorf("%q came", came)
	}
	if n := d.src.disk.read.Load() - read; n != v.Size {
		t.Errorf("%d bytes count as read", n)
	}
	write("other one", time.Unix(2, 0))
	if came := sendTo(t, b, v.Size); came != "" {
		t.Errorf("%q came of the later version", came)
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, errChanged) {
		t.Errorf("reading the rest gives %v", err)
	}
}
