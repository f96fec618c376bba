package emstest

import (
	"encoding/binary"
	"fmt"
)

// A Publisher is who publishes a stream. Zero is an encoder elsewhere.
type Publisher struct {
	FarIP     string // default 127.0.0.9
	NearIP    string // default the server's Address
	UserAgent string // default FMLE/3.0
	Type      string // of the stream; default INR, which is RTMP
	NoAudio   bool   // as a camera without a microphone
	NoVideo   bool
}

// Published is a stream that an encoder publishes.
type Published struct {
	server *Server
	stream *stream
	done   chan struct{}
}

// Publish does as an encoder does. There is an error if the server refuses: the name is taken, or
// the server is stopped.
func (s *Server) Publish(name string, by Publisher) (*Published, error) {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	if s.run == nil {
		return nil, fmt.Errorf("publish %q: connection refused", name)
	}
	if s.taken(name) {
		return nil, fmt.Errorf("publish %q: the name is taken", name)
	}
	p := &Published{server: s, done: make(chan struct{})}
	p.stream = s.startPublished(name, by, p)
	return p, nil
}

func (s *Server) startPublished(name string, by Publisher, p *Published) *stream {
	typ := or(by.Type, "INR")
	feeds := [len(feedKinds)]feed{{never: by.NoAudio}, {never: by.NoVideo}}
	return s.start(&stream{typ: typ, name: name, published: p, feeds: feeds, values: object{
		"typeNumeric": numeric(typ),
		"farIp":       or(by.FarIP, "127.0.0.9"), "nearIp": or(by.NearIP, s.settings.Address),
		"ip":        or(by.NearIP, s.settings.Address),
		"userAgent": or(by.UserAgent, "FMLE/3.0 (compatible; FMSc/1.0)"), "ingestPoint": name,
		"tcUrl": "rtmp://" + s.settings.Address + ":1935/live",
	}}, "INR")
}

// numeric is a type's letters as a number, the first ones highest.
func numeric(typ string) uint64 {
	var letters [8]byte
	copy(letters[:], typ)
	return binary.BigEndian.Uint64(letters[:])
}

// End has the encoder stop.
func (p *Published) End() {
	p.server.network.running.Lock()
	defer p.server.network.running.Unlock()
	if p.stream.server != nil {
		p.server.end(p.stream)
	}
}

// Done is closed when the stream has ended, by whomever.
func (p *Published) Done() <-chan struct{} { return p.done }

func (p *Published) end() {
	if p != nil {
		select {
		case <-p.done:
		default:
			close(p.done)
		}
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// End has the encoder of a stream stop, by the stream's name.
func (s *Server) End(name string) {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	if st := s.live(name); st != nil {
		s.end(st)
	}
}
