package s3store

import (
	"context"
	"io"
	"net"
	"sync"
)

// sendBuffer is how much of a body is read and written at once, in bytes. net/http takes 32 kB, which
// are four times the system calls, and a new buffer for each body. Over TLS it is not used: net/http
// writes to the tls.Conn.
const sendBuffer = 128 << 10

var sendBuffers = sync.Pool{New: func() any { return new([sendBuffer]byte) }}

// A connection leads to a store. It hides that a TCP connection can send a file by itself: what is sent
// is compared on its way.
type connection struct{ net.Conn }

// connect is DialContext, for what is sent to the store.
func (d *dialer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return connection{c}, nil
}

// ReadFrom implements io.ReaderFrom, by which net/http sends a body.
func (c connection) ReadFrom(r io.Reader) (sent int64, err error) {
	buffer := sendBuffers.Get().(*[sendBuffer]byte)
	defer sendBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, r, buffer[:])
}
