package emstest

import (
	"bytes"
	"net/http"
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
	body := encode(object{"id": r.nextEvent, "payload": payload, "processId": r.process, "timestamp": time.Now().Unix(), "type": typ})
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
			req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, sink, bytes.NewReader(body))
			if err != nil {
				return // a sink that is none gets nothing, as from the server
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("User-Agent", pusherAgent)
			if resp, err := s.posts.Do(req); err == nil {
				resp.Body.Close()
			}
		})
	}
}
