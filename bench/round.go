package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A plan is what each round measures.
type plan struct {
	load      load
	delay     delay
	perKey    float64 // PUTs a second
	perPrefix float64
	outage    time.Duration // in the middle of what is measured
	kind      string        // of the outage
	settle    time.Duration // before the load, for what rests
	warm      time.Duration // with the load, before what is measured
	measure   time.Duration
	grace     time.Duration // after the load, for what is late
	keep      string        // where the tools' logs stay
}

// run has one tool upload the load, and measures it.
func (p plan) run(t tool, certificate *certificate) (result, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	s := site{root: filepath.Join(dir, "media"), dir: dir}
	if err := os.Mkdir(s.root, 0o755); err != nil {
		return result{}, err
	}
	account := newAccount()
	bucket := newStore(account)
	bucket.delay, bucket.perKey.rate, bucket.perPrefix.rate = p.delay, p.perKey, p.perPrefix
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return result{}, err
	}
	// A connection that a tool gives up is no event.
	server := &http.Server{Handler: bucket, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer end(server)
	s.endpoint = "http://" + listener.Addr().String()
	if certificate != nil {
		s.endpoint = "https://" + listener.Addr().String()
		s.caFile = filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(s.caFile, certificate.pem, 0o600); err != nil {
			return result{}, err
		}
		server.TLSConfig = certificate.server.Clone()
		serving.Go(func() { _ = server.ServeTLS(listener, "", "") }) // it ends with Close
	} else {
		serving.Go(func() { _ = server.Serve(listener) })
	}
	if err := p.load.rest(s.root, account); err != nil {
		return result{}, err
	}
	cmd, err := t.command(s)
	if err != nil {
		return result{}, err
	}
	logFile := filepath.Join(dir, "log")
	if p.keep != "" {
		logFile = filepath.Join(p.keep, fmt.Sprintf("%s-%d.log", filepath.Base(t.name), time.Now().UnixMilli()))
	}
	process, err := start(cmd, logFile)
	if err != nil {
		return result{}, fmt.Errorf("start %s: %w", t.name, err)
	}
	defer process.stop()
	time.Sleep(p.settle)
	return p.measured(s, bucket, process)
}

// serverEnds is what requests have that are in flight when the tool has ended: no PUT takes longer.
const serverEnds = 10 * time.Second

// end waits for the requests in flight, so that they do not meet the next round, and ends the server.
func end(server *http.Server) {
	limited, cancel := context.WithTimeout(context.Background(), serverEnds)
	defer cancel()
	_ = server.Shutdown(limited) // what is late is ended by Close
	server.Close()
}

// measured writes the load and measures the process.
func (p plan) measured(s site, b *store, tool *process) (result, error) {
	account, stop, written := b.account, make(chan struct{}), make(chan error, 1)
	loaded := time.Now()
	go func() { written <- p.load.run(s.root, account, stop) }()
	time.Sleep(p.warm) // the load is measured for a time, whatever happens in it
	if p.outage > 0 {
		begin := time.Now().Add((p.measure - p.outage) / 2)
		b.outage.Store(&outage{p.kind, begin, begin.Add(p.outage)})
	}
	begin, before := time.Now(), account.soFar()
	used, _ := tool.tree()
	time.Sleep(p.measure)
	end, requests := time.Now(), account.soFar().since(before)
	usedThen, _ := tool.tree()
	close(stop)
	if err := <-written; err != nil {
		return result{}, err
	}
	for limit := time.Now().Add(p.grace); !account.complete(loaded, end) && time.Now().Before(limit); {
		time.Sleep(20 * time.Millisecond)
	}
	if err := tool.alive(); err != nil {
		return result{}, err
	}
	r := newResult(account, begin, end)
	r.Requests, r.CPU, r.Memory = requests, usedThen-used, tool.peakMemory()
	if o := b.outage.Load(); o != nil {
		r.recovered(account, o)
	}
	return r, nil
}
