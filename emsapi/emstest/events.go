package emstest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// A Disturbance is what becomes of events on their way.
type Disturbance struct {
	Lose     float64       // the share of those that are lost
	Double   float64       // the share of those that arrive twice
	Disorder time.Duration // each is late by a random time up to this
}

// Disturb has events disturbed from now on.
func (s *Server) Disturb(d Disturbance) {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	s.disturb = d
}

// SetSink has events posted to url from now on; empty: nowhere.
func (s *Server) SetSink(url string) {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	s.sink = url
}

// Emit posts an event of this type, unless the server is stopped.
func (s *Server) Emit(typ string, payload map[string]any) {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	if s.run != nil {
		s.emit(typ, clone(payload))
	}
}

// emit posts an event over a connection of its own, and forgets about it.
func (s *Server) emit(typ string, payload object) {
	r := s.run
	r.nextEvent++
	payload["PID"], payload["customData"] = r.process, nil
	body := encode(object{"id": r.nextEvent, "payload": payload, "processId": r.process, "timestamp": time.Now().Unix(),
		"type": typ})
	times := 1
	if s.random.Float64() < s.disturb.Double {
		times = 2
	}
	if s.sink == "" || s.random.Float64() < s.disturb.Lose {
		return
	}
	sink := s.sink
	for range times {
		late := time.Duration(s.random.Float64() * float64(s.disturb.Disorder))
		r.working.Go(func() {
			t := time.NewTimer(late)
			defer t.Stop()
			select {
			case <-t.C:
			case <-r.ctx.Done():
				return
			}
			post(r.ctx, sink, body)
		})
	}
}

// post sends an event as the server does: over a connection that is closed when a whole answer has
// come, however long that takes, and not again if that fails. Credentials in the URL are not sent.
func post(ctx context.Context, sink string, body []byte) {
	u, err := url.Parse(sink)
	if err != nil {
		return // a sink that is none gets nothing
	}
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), or(u.Port(), "80")))
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nContent-Type: "+
		"application/json\r\nContent-Length: %d\r\n\r\n%s",
		u.RequestURI(), u.Hostname(), pusherAgent, len(body), body)
	if err != nil {
		return
	}
	if answer, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
		_, _ = io.Copy(io.Discard, answer.Body) // what it says, and whether it is whole, does not matter to the server
		answer.Body.Close()
	}
}
