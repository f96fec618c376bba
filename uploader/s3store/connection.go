package s3store

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"syscall"

	"ems-sidecar/uploader"
)

// sendBuffer is how much of a body is read and written at once, in bytes. net/http takes 32 kB, which
// are four times the system calls, and a new buffer for each body.
const sendBuffer = 128 << 10

var sendBuffers = sync.Pool{New: func() any { return new([sendBuffer]byte) }}

// A connection leads to a store. While it is corked, it gathers what is written, up to sendBuffer: a
// header goes with a short body behind it, and the records of TLS, of 16 kB each, go together.
type connection struct {
	net.Conn

	mu     sync.Mutex
	corked bool
	held   []byte // is written before anything else
	buffer *[sendBuffer]byte
}

// connect is DialContext, for what is sent to the store.
func (d *dialer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c}, nil
}

// below returns the connection that carries c, or nil. Requests of HTTP/2 share one, and cannot cork
// it.
func below(c net.Conn) *connection {
	if t, ok := c.(*tls.Conn); ok {
		if t.ConnectionState().NegotiatedProtocol == "h2" {
			return nil
		}
		c = t.NetConn()
	}
	inner, _ := c.(*connection)
	return inner
}

// cork has the connection gather what is written, or has the next write take with it what was
// gathered.
func (c *connection) cork(corked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = corked
}

// Write implements net.Conn.
func (c *connection) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held)+len(p) > sendBuffer {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	switch {
	case c.corked && len(p) < sendBuffer:
		c.hold(p)
	case len(c.held) > 0:
		c.hold(p)
		if err := c.flush(); err != nil {
			return 0, err
		}
	default:
		return c.Conn.Write(p)
	}
	return len(p), nil
}

func (c *connection) hold(p []byte) {
	if c.buffer == nil {
		c.buffer = sendBuffers.Get().(*[sendBuffer]byte)
		c.held = c.buffer[:0]
	}
	c.held = append(c.held, p...)
}

// flush writes what was gathered.
func (c *connection) flush() error {
	if len(c.held) == 0 {
		return nil
	}
	defer c.release()
	_, err := c.Conn.Write(c.held)
	return err
}

// release gives the buffer back.
func (c *connection) release() {
	if c.buffer != nil {
		sendBuffers.Put(c.buffer)
	}
	c.buffer, c.held = nil, nil
}

// Close implements net.Conn. What was gathered is dropped.
func (c *connection) Close() error {
	err := c.Conn.Close() // ends a write that holds the lock
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release()
	return err
}

// ReadFrom implements io.ReaderFrom, by which net/http sends a body without TLS.
func (c *connection) ReadFrom(r io.Reader) (sent int64, err error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if body, ok := limited.R.(*exactBody); ok {
			if sent, err = body.sendTo(c); err != nil {
				return sent, err
			}
			limited.N -= sent
		}
	}
	buffer := sendBuffers.Get().(*[sendBuffer]byte)
	defer sendBuffers.Put(buffer)
	n, err := io.CopyBuffer(struct{ io.Writer }{c}, r, buffer[:])
	return sent + n, err
}

// sendFile has the kernel send at most n bytes of from, after what was gathered.
func (c *connection) sendFile(from uploader.Sender, off, n int64) (sent int64, err error) {
	to, ok := c.Conn.(syscall.Conn)
	if !ok {
		return 0, nil
	}
	socket, err := to.SyscallConn()
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.flush(); err != nil {
		return 0, err
	}
	err = socket.Write(func(fd uintptr) (done bool) {
		some, full := from.SendTo(fd, off+sent, n-sent)
		sent += some
		return !full
	})
	return sent, err
}
