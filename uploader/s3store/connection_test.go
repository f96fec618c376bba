package s3store

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
)

// A countedConn notes how much each write has.
type countedConn struct {
	net.Conn // nil: nothing is sent
	keeps    bool

	mu     sync.Mutex
	writes []int
	kept   []byte
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, len(p))
	if c.Conn != nil {
		return c.Conn.Write(p)
	}
	if c.keeps {
		c.kept = append(c.kept, p...)
	}
	return len(p), nil
}

// take returns the writes since it was called before.
func (c *countedConn) take() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	writes := c.writes
	c.writes = nil
	return writes
}

// net/http hands the body over as a LimitedReader, which reads from what is no file.
func TestBodyIsSentInFewWritesWithoutABufferOfItsOwn(t *testing.T) {
	const bodies = 100
	content := make([]byte, 500_000)
	counted := &countedConn{writes: make([]int, 0, 1000)}
	send := func() {
		counted.writes = counted.writes[:0]
		body := io.LimitReader(struct{ io.Reader }{bytes.NewReader(content)}, int64(len(content)))
		n, err := io.Copy(&connection{Conn: counted}, body)
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
	if _, ok := c.(*connection); !ok {
		t.Errorf("it is a %T", c)
	}
}

// A header goes with a short body behind it, and the records of TLS go together.
func TestCorkedConnectionGathersWhatIsWritten(t *testing.T) {
	counted := &countedConn{keeps: true}
	c := &connection{Conn: counted}
	var want []byte
	write := func(text []byte) {
		t.Helper()
		want = append(want, text...)
		if n, err := c.Write(text); n != len(text) || err != nil {
			t.Errorf("%d bytes were written, %v", n, err)
		}
	}
	c.cork(true)
	write([]byte("the header"))
	if len(counted.writes) > 0 {
		t.Errorf("the header goes alone: %d", counted.writes)
	}
	for i := range 30 {
		write(bytes.Repeat([]byte{byte(i)}, 16_406))
	}
	if n := len(counted.writes); n != 4 {
		t.Errorf("there were %d writes: %d", n, counted.writes)
	}
	c.cork(false)
	write([]byte("the last record"))
	if !bytes.Equal(counted.kept, want) {
		t.Errorf("%d bytes arrived, which are not the %d that were written", len(counted.kept), len(want))
	}
	write([]byte("the next header"))
	if !bytes.Equal(counted.kept, want) || c.buffer != nil {
		t.Error("the connection still gathers")
	}
}

// A request that is given up before it is sent may leave its connection corked. The next one may have
// no body that uncorks it.
func TestRequestWithoutABodyIsSentAtOnce(t *testing.T) {
	counted := &countedConn{}
	c := &connection{Conn: counted}
	(&exactBody{left: 7}).travelOn(c)
	(&exactBody{}).travelOn(c)
	if c.Write([]byte("HEAD / HTTP/1.1")); len(counted.writes) != 1 {
		t.Error("its header is held back")
	}
	(&exactBody{left: 1 << 20, waits: true}).travelOn(c)
	if c.Write([]byte("PUT / HTTP/1.1, Expect: 100-continue")); len(counted.writes) != 2 {
		t.Error("a header for whose answer the body waits is held back")
	}
}

// Over TLS, and without, a body takes few writes, and the connection serves the next request.
func TestRequestsTakeFewWrites(t *testing.T) {
	for _, isTLS := range []bool{false, true} {
		received := make(chan int64, 1)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			received <- n
		}))
		if isTLS {
			server.StartTLS()
		} else {
			server.Start()
		}
		t.Cleanup(server.Close)
		d := newDialer()
		t.Cleanup(d.Close)
		client := newClient(nil, d, &clock{}, 1)
		t.Cleanup(client.transport.CloseIdleConnections)
		counted := &countedConn{}
		client.transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		client.transport.ForceAttemptHTTP2 = false
		client.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := d.connect(ctx, network, address)
			if err == nil {
				counted.Conn = c.(*connection).Conn
				c.(*connection).Conn = counted
			}
			return c, err
		}
		for _, size := range []int{500_000, 400, 0, 500_000} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL,
				io.NopCloser(bytes.NewReader(make([]byte, size))))
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = int64(size)
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if got := <-received; got != int64(size) {
				t.Errorf("TLS %v: %d bytes arrived of %d", isTLS, got, size)
			}
			// The first request may come after a handshake, and a long body without TLS has a header of its own.
			most := 1
			if size > sendBuffer {
				most = 7
			}
			if writes := counted.take(); len(writes) > most {
				t.Errorf("TLS %v: %d bytes took %d writes: %d", isTLS, size, len(writes), writes)
			}
		}
	}
}
