// Package emstest is a media server for tests and demonstrations: its API, its events, and what it
// makes of orders, but no media. It behaves as EMS 1.7 was seen to, traps included, and is checked
// against recordings of one.
//
// Servers of one Network pull streams from each other and push them to each other. What takes a
// server seconds can be made to take less.
package emstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"ems-sidecar/emsapi"
)

// A Network is what servers reach each other over, by host. One that is not in it, or is stopped,
// is unreachable.
type Network struct {
	running sync.Mutex // the state of all its servers: what one does changes another
	servers map[string]*Server
}

// NewNetwork returns a network without servers.
func NewNetwork() *Network { return &Network{servers: make(map[string]*Server)} }

// Settings say what server it is.
type Settings struct {
	Address            string // by which others reach it, and the near address of its streams; default 127.0.0.1
	API                string // where the API listens; default: a free port of Address
	Proxy              string // where it is served with basic auth, below /apiproxy; empty: nowhere
	Username, Password string
	Network            *Network      // nil: one of its own
	Sink               string        // the URL to which events are posted; empty: none
	NoChunkLength      bool          // an older server, which cannot cut recordings into parts
	Files              bool          // recordings make files, so that a directory must be there; else any will do
	Second             time.Duration // how long one of its seconds lasts; default 1 s
	Starve             float64       // how many of its seconds a pull without pictures lasts; 0: 10 to 20, at random
	Lag                float64       // how many of its seconds it takes until an order that was accepted is listed
	Seed               uint64        // of what is random
}

// A Server is one media server. Its methods may be called from any goroutine.
type Server struct {
	settings Settings
	network  *Network
	random   *rand.Rand // owned as the state is

	// Owned by who holds network.running.
	run        *run // nil: stopped
	nextConfig uint32
	orders     []*order // by id
	calls      []Call
	disturb    Disturbance
	sink       string
}

// run is what lasts from one start to the next stop.
type run struct {
	process    int64
	nextStream uint32
	nextTimer  uint32
	nextEvent  uint64
	streams    []*stream // by id
	timers     []*timer
	pending    map[*time.Timer]bool // what is to happen later
	listening  []io.Closer
	api, proxy string // addresses
	ctx        context.Context
	cancel     context.CancelFunc
	working    sync.WaitGroup
}

// New returns a server that is not started.
func New(s Settings) *Server {
	if s.Address == "" {
		s.Address = "127.0.0.1"
	}
	if s.API == "" {
		s.API = net.JoinHostPort(s.Address, "0")
	}
	if s.Network == nil {
		s.Network = NewNetwork()
	}
	if s.Second == 0 {
		s.Second = time.Second
	}
	server := &Server{settings: s, network: s.Network, sink: s.Sink, random: rand.New(rand.NewPCG(s.Seed, 0))}
	s.Network.running.Lock()
	defer s.Network.running.Unlock()
	s.Network.servers[s.Address] = server
	return server
}

// Start has the server listen. Orders with keepAlive that an earlier run left are carried out, with
// new ids.
func (s *Server) Start() error {
	r := &run{pending: make(map[*time.Timer]bool)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	s.network.running.Lock()
	defer s.network.running.Unlock()
	if s.run != nil {
		return errors.New("it runs already")
	}
	if err := s.listen(r); err != nil {
		r.cancel()
		r.close()
		return err
	}
	r.process = int64(1000 + s.random.IntN(30000))
	s.run = r
	s.emit("serverStarted", shape("serverStarted"))
	s.after(feedLook, s.lookAtFeeds)
	s.after(1, s.comeBack)
	s.nextConfig = 0 // so that an id can be another order's after a restart
	for _, o := range s.orders {
		s.nextConfig++
		o.id, o.values["configId"] = s.nextConfig, s.nextConfig
		s.begin(o)
	}
	return nil
}

// Stop ends the server as a kill does: what it knows of streams, timers and orders without
// keepAlive is gone.
func (s *Server) Stop() {
	if r := s.kill(); r != nil {
		r.close()
	}
}

// kill forgets what a kill does, cuts the connections to others, and returns the run, if there is
// one, to be waited for.
func (s *Server) kill() *run {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	r := s.run
	if r == nil {
		return nil
	}
	s.run = nil
	r.cancel()
	for t := range r.pending {
		if t.Stop() {
			r.working.Done()
		}
	}
	streams := r.streams
	r.streams, r.timers = nil, nil
	kept := s.orders[:0]
	for _, o := range s.orders {
		o.stream, o.status = nil, statusConnecting
		if o.keepAlive {
			kept = append(kept, o)
		}
	}
	s.orders = kept
	for _, st := range streams {
		st.server = nil
		st.published.end()
	}
	for _, st := range streams {
		if p := st.peer; p != nil {
			st.peer, p.peer = nil, nil
			p.server.broken(p)
		}
	}
	return r
}

// Close stops the server for good.
func (s *Server) Close() {
	s.Stop()
	s.network.running.Lock()
	defer s.network.running.Unlock()
	delete(s.network.servers, s.settings.Address)
}

// URL is where the API is, while it runs.
func (s *Server) URL() string {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	if s.run == nil {
		return "http://" + s.settings.API
	}
	return "http://" + s.run.api
}

// ProxyURL is where the API is with basic auth, with the credentials.
func (s *Server) ProxyURL() string {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	address := s.settings.Proxy
	if s.run != nil {
		address = s.run.proxy
	}
	u := url.URL{Scheme: "http", Host: address, Path: "/apiproxy", User: url.UserPassword(s.settings.Username,
		s.settings.Password)}
	return u.String()
}

// A Call is a command that came in.
type Call struct {
	Command string
	Params  []emsapi.Param
	Raw     string // what params decoded to
	Failed  string // the description of a FAIL
}

// Calls returns the commands that came in since the start or the last ResetCalls, also those that
// do not exist.
func (s *Server) Calls() []Call {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	return append([]Call(nil), s.calls...)
}

// ResetCalls forgets the commands that came in.
func (s *Server) ResetCalls() {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	s.calls = nil
}

// after has f called after so many of the server's seconds, unless it is stopped before. f holds
// the lock.
func (s *Server) after(seconds float64, f func()) {
	r := s.run
	r.working.Add(1)
	var t *time.Timer
	t = time.AfterFunc(time.Duration(seconds*float64(s.settings.Second)), func() {
		defer r.working.Done()
		s.network.running.Lock()
		defer s.network.running.Unlock()
		delete(r.pending, t)
		if s.run == r {
			f()
		}
	})
	r.pending[t] = true
}

// soon is for what the server does right after it has answered.
func (s *Server) soon(f func()) { s.after(0.001, f) }

// reach returns the server of a host, or nil if it cannot be reached.
func (s *Server) reach(host string) *Server {
	other := s.network.servers[host]
	if other == nil || other.run == nil {
		return nil
	}
	return other
}

// close ends what listens, and waits for what is being done.
func (r *run) close() {
	for _, l := range r.listening {
		l.Close()
	}
	r.working.Wait()
}

func (s *Server) listen(r *run) error {
	l, err := net.Listen("tcp", s.settings.API)
	if err != nil {
		return fmt.Errorf("the API's address: %w", err)
	}
	r.listening = append(r.listening, l)
	r.working.Go(func() { s.serve(r, l) })
	r.api = l.Addr().String()
	s.settings.API = r.api // also after a restart
	if s.settings.Proxy == "" {
		return nil
	}
	front, err := net.Listen("tcp", s.settings.Proxy)
	if err != nil {
		return fmt.Errorf("the proxy's address: %w", err)
	}
	h := &http.Server{Handler: &proxy{server: s, run: r}, ReadHeaderTimeout: 5 * time.Second}
	r.listening = append(r.listening, h)
	r.working.Go(func() { _ = h.Serve(front) }) // ends by Close
	r.proxy = front.Addr().String()
	s.settings.Proxy = r.proxy
	return nil
}
