package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// A server serves a store.
type server struct {
	http    *http.Server
	serving sync.WaitGroup
}

// serve serves a store at an address of its own, with a certificate or over http, and returns its URL.
func serve(b *store, certificate *certificate) (s *server, endpoint string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	// A connection that a tool gives up is no event.
	s = &server{http: &http.Server{Handler: b, ErrorLog: log.New(io.Discard, "", 0)}}
	if certificate == nil {
		s.serving.Go(func() { _ = s.http.Serve(listener) }) // it ends with Close
		return s, "http://" + listener.Addr().String(), nil
	}
	s.http.TLSConfig = certificate.server.Clone()
	s.serving.Go(func() { _ = s.http.ServeTLS(listener, "", "") })
	return s, "https://" + listener.Addr().String(), nil
}

// serverEnds is what requests have that are in flight when the tool has ended: no PUT takes longer.
const serverEnds = 10 * time.Second

// end waits for the requests in flight, so that they do not meet the next round, and ends the server.
func (s *server) end() {
	limited, cancel := context.WithTimeout(context.Background(), serverEnds)
	defer cancel()
	_ = s.http.Shutdown(limited) // what is late is ended by Close
	s.http.Close()
	s.serving.Wait()
}
