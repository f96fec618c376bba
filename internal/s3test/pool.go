package s3test

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// A Pool gives each test a server with an empty bucket, as Start does, and the servers of tests
// that have ended to later ones: a start takes most of a second of processor time. It is for tests
// whose clients live in their own process, and end with the test.
type Pool struct {
	mu   sync.Mutex // guards what follows
	idle []*Server
	ends []func() error
}

// Server returns a server that no other test has until this one ends.
func (p *Pool) Server(t testing.TB) *Server {
	t.Helper()
	s := p.free()
	for s != nil && s.empty() != nil { // it still handles a request that its client gave up
		s = p.free()
	}
	if s == nil {
		var err error
		if s, err = p.start(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.idle = append(p.idle, s)
	})
	return s
}

// empty empties the bucket.
func (s *Server) empty() error {
	return errors.Join(os.RemoveAll(s.Dir), os.Mkdir(s.Dir, 0o755))
}

// free returns the server that has been idle for the longest time, or nil.
func (p *Pool) free() *Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	s := p.idle[0]
	p.idle = p.idle[1:]
	return s
}

func (p *Pool) start() (*Server, error) {
	root, err := os.MkdirTemp("", "s3test-")
	if err != nil {
		return nil, err
	}
	s, end, err := start(root)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(root))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends = append(p.ends, func() error { return errors.Join(end(), os.RemoveAll(root)) })
	return s, nil
}

// Close ends all servers. No test may have one.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, end := range p.ends {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}
