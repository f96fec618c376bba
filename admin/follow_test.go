package admin

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/internal/history"
)

// A followedState has one stream and no events.
type followedState struct{ fakeState }

func (followedState) Streams(context.Context) ([]api.Stream, bool) {
	return []api.Stream{{ID: "hls/live/a", Why: strings.Repeat("x", 1000)}}, true
}

func (followedState) EndStream(context.Context, string) (n int, found, ok bool) {
	return 0, false, true
}
func (followedState) LagHistory(api.Stream) []*float64 { return nil }

func (followedState) Events(uint64) ([]history.Event, <-chan struct{}) { return nil, nil }

// A pipe is a listener in memory, so that its connections keep fake time.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipe() *pipe { return &pipe{make(chan net.Conn), make(chan struct{})} }

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error { close(p.closed); return nil }

func (p *pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// dial returns the client's end of a new connection.
func (p *pipe) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- local{server, p.Addr()}
	return client
}

// A local connection comes from this host.
type local struct {
	net.Conn
	from net.Addr
}

func (l local) RemoteAddr() net.Addr { return l.from }

func TestFollowerOutlivesTheTimeoutsAndEndsWithTheListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, p, Settings{}, followedState{}, slog.New(slog.DiscardHandler)) }()
		conn := p.dial()
		defer conn.Close()
		io.WriteString(conn, "GET /api/v1/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
		r, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		heartbeats := 0
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), ":") {
				heartbeats++
			}
			if time.Since(began) > 10*time.Minute {
				stop()
			}
		}
		if time.Since(began) < 10*time.Minute || heartbeats < 100 {
			t.Errorf("it ended after %v and %d heartbeats", time.Since(began), heartbeats)
		}
		stopping := time.Now()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(stopping); took >= stopTimeout {
			t.Errorf("the listener ended after %v", took)
		}
	})
}

func TestFollowerThatDoesNotReadIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, p, Settings{}, followedState{}, slog.New(slog.DiscardHandler)) }()
		conn := p.dial()
		defer conn.Close()
		io.WriteString(conn, "GET /api/v1/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
		time.Sleep(time.Minute)
		began := time.Now()
		if _, err := io.Copy(io.Discard, conn); err != nil { // until it is closed
			t.Error(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it was served for %v more", took)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
