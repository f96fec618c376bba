package s3store

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"
)

// A countedConn notes how much each write has.
type countedConn struct {
	net.Conn
	writes []int
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.writes = append(c.writes, len(p))
	return len(p), nil
}

// net/http hands the body over as a LimitedReader, which reads from what is no file.
func TestBodyIsSentInFewWritesWithoutABufferOfItsOwn(t *testing.T) {
	const bodies = 100
	content := make([]byte, 500_000)
	counted := &countedConn{writes: make([]int, 0, 1000)}
	send := func() {
		counted.writes = counted.writes[:0]
		body := io.LimitReader(struct{ io.Reader }{bytes.NewReader(content)}, int64(len(content)))
		n, err := io.Copy(connection{counted}, body)
		if n != int64(len(content)) || err != nil {
			t.Fatalf("%d bytes were sent, %v", n, err)
		}
	}
	send()
	if n := len(counted.writes); n != 4 {
		t.Errorf("there were %d writes: %d", n, counted.writes)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range bodies {
		send()
	}
	runtime.ReadMemStats(&after)
	// The race detector has the pool lose one buffer in four.
	if each := (after.TotalAlloc - before.TotalAlloc) / bodies; each > sendBuffer/2 {
		t.Errorf("a body takes %d bytes of memory", each)
	}
}

func TestStoreIsSentToInFewWrites(t *testing.T) {
	d := newDialer()
	t.Cleanup(d.Close)
	c, err := newClient(nil, d, &clock{}, 1).transport.DialContext(t.Context(), "tcp", listen(t, func(net.Conn) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ok := c.(connection); !ok {
		t.Errorf("it is a %T", c)
	}
}
