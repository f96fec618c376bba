package disk

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (from, to *net.TCPConn) {
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
	t.Cleanup(func() { c.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	return c.(*net.TCPConn), accepted.(*net.TCPConn)
}

// send has the kernel send f, and returns how much was sent and how often the socket was full.
func send(t *testing.T, to *net.TCPConn, f *os.File, off, n int64) (sent int64, waits int) {
	t.Helper()
	socket, err := to.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = socket.Write(func(fd uintptr) bool {
		some, full := SendFile(fd, f, off+sent, n-sent)
		sent += some
		if full {
			waits++
		}
		return !full
	})
	if err != nil {
		t.Fatal(err)
	}
	return sent, waits
}

func TestKernelSendsASectionOfAFile(t *testing.T) {
	content := make([]byte, 20<<20) // more than a socket holds
	random := rand.NewChaCha8([32]byte{})
	random.Read(content)
	path := filepath.Join(t.TempDir(), "1.ts")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	from, to := pair(t)
	received := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(to)
		received <- all
	}()
	const off = 12_345
	n := int64(len(content)) - off
	if sent, waits := send(t, from, f, off, n); sent != n || waits == 0 {
		t.Errorf("%d bytes of %d were sent, with %d waits", sent, n, waits)
	}
	if sent, _ := send(t, from, f, int64(len(content)), 1); sent != 0 {
		t.Errorf("%d bytes behind the end were sent", sent)
	}
	if at, err := f.Seek(0, io.SeekCurrent); at != 0 || err != nil {
		t.Errorf("the file's position is %d, %v", at, err)
	}
	f.Close()
	if sent, waits := send(t, from, f, 0, 1); sent != 0 || waits > 0 {
		t.Errorf("%d bytes of a closed file were sent", sent)
	}
	from.Close()
	if got := <-received; !bytes.Equal(got, content[off:]) {
		t.Errorf("%d bytes arrived, which are not the %d that were sent", len(got), n)
	}
}
