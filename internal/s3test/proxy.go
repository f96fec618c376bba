package s3test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"hash"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Request is one that went through a Proxy.
type Request struct {
	Method string
	Key    string // of the object, without the bucket
	Query  string
	Length int64 // of the body
	// Headers of a PUT.
	CacheControl, IfMatch string
	Body                  []byte            // of a manifest's PUT
	Sum                   [sha256.Size]byte // of a PUT's body; zero if it did not come in whole
	Status                int               // of the server's answer, 0 if there was none
	Fault                 string            // the name of what befell it; the client saw no answer
	Began                 time.Time
	Ended                 time.Time
}

// A Proxy stands between a client and a Server, and keeps a log of what went through it.
type Proxy struct {
	Endpoint string
	// Before, if set, sees each request before the server does, and may wait, or answer itself and
	// return false. It is called from several goroutines at once. Set it before the first request.
	Before func(r *Request, w http.ResponseWriter) (forward bool)
	// After, if set, sees each request that the server has answered, before the client sees the
	// answer.
	After func(r *Request)

	t       testing.TB
	bucket  string
	secured *tls.Config // nil: without TLS
	forward *httputil.ReverseProxy

	mu       sync.Mutex // guards what follows
	log      []*Request
	server   *http.Server // nil while connections are refused
	listener net.Listener
	fault    *Fault
	befallen int        // requests in the hands of a fault
	settled  *sync.Cond // befallen is 0
}

// manifestName matches the manifests of all formats, with EMS's default names.
var manifestName = regexp.MustCompile(`(\.(m3u8|f4m|mpd|ismc)|/bootstrap)$`)

// NewProxy returns a proxy for s, which ends with the test.
func NewProxy(t testing.TB, s *Server) *Proxy {
	t.Helper()
	return newProxy(t, s, nil)
}

func newProxy(t testing.TB, s *Server, secured *tls.Config) *Proxy {
	t.Helper()
	target, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t, bucket: s.Bucket, secured: secured}
	p.settled = sync.NewCond(&p.mu)
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		ErrorLog:  log.New(io.Discard, "", 0), // clients that give up are the client's to report
	}
	// The sockets of clients have 127.0.0.1: none of them can take the port while no listener has
	// it.
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil { // only Linux and Windows have the whole of 127.0.0.0/8
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	p.Endpoint = "http://" + l.Addr().String()
	p.serve(l)
	t.Cleanup(func() {
		p.close()
		p.Settle()
	})
	return p
}

// serve takes requests from l until close.
func (p *Proxy) serve(l net.Listener) {
	server := &http.Server{Handler: p, ErrorLog: p.forward.ErrorLog}
	p.mu.Lock()
	p.server, p.listener = server, l
	p.mu.Unlock()
	if p.secured != nil {
		l = tls.NewListener(l, p.secured)
	}
	go server.Serve(l)
}

// close refuses connections, and resets those that are there.
func (p *Proxy) close() {
	p.mu.Lock()
	server, listener := p.server, p.listener
	p.server = nil
	p.mu.Unlock()
	if server != nil {
		listener.Close() // the server has it only when its goroutine has begun
		server.Close()
	}
}

// ServeHTTP takes a client's request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	r := &Request{Method: in.Method, Key: strings.TrimPrefix(in.URL.Path, "/"+p.bucket+"/"),
		Query: in.URL.RawQuery, Length: in.ContentLength, Began: time.Now(),
		CacheControl: in.Header.Get("Cache-Control"), IfMatch: in.Header.Get("If-Match")}
	if in.Method == http.MethodPut {
		if manifestName.MatchString(r.Key) {
			r.Body, _ = io.ReadAll(in.Body) // a body that is cut is the server's to refuse
			in.Body = io.NopCloser(bytes.NewReader(r.Body))
		}
		in.Body = &summedBody{in.Body, p, r, sha256.New(), in.ContentLength}
	}
	p.mu.Lock()
	p.log = append(p.log, r)
	fault := p.fault
	if fault != nil && fault.only != nil && !fault.only(r) {
		fault = nil
	}
	if fault != nil {
		r.Fault = fault.Name
		p.befallen++
		defer p.survived()
	}
	p.mu.Unlock()
	if p.Before != nil && !p.Before(r, w) {
		return
	}
	if fault != nil {
		fault.befall(p, w, in, r)
		return
	}
	p.forward.ServeHTTP(&answerWriter{w, p, r}, in)
}

// survived notes that a fault is done with a request.
func (p *Proxy) survived() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.befallen--; p.befallen == 0 {
		p.settled.Broadcast()
	}
}

// Log returns copies of all requests so far, in the order in which they arrived.
func (p *Proxy) Log() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Request, len(p.log))
	for i, r := range p.log {
		all[i] = *r
	}
	return all
}

// An answerWriter notes the server's answer before the client can see it.
type answerWriter struct {
	http.ResponseWriter
	proxy   *Proxy
	request *Request
}

func (w *answerWriter) WriteHeader(status int) {
	w.proxy.mu.Lock()
	w.request.Status, w.request.Ended = status, time.Now()
	w.proxy.mu.Unlock()
	if w.proxy.After != nil {
		w.proxy.After(w.request)
		w.proxy.mu.Lock()
		w.request.Ended = time.Now() // it may have waited
		w.proxy.mu.Unlock()
	}
	w.ResponseWriter.WriteHeader(status)
}

// A summedBody notes the checksum of a body when the whole of it was read.
type summedBody struct {
	io.ReadCloser
	proxy   *Proxy
	request *Request
	hash    hash.Hash
	left    int64
}

func (b *summedBody) Read(to []byte) (int, error) {
	n, err := b.ReadCloser.Read(to)
	b.hash.Write(to[:n])
	if b.left -= int64(n); n > 0 && b.left == 0 {
		b.proxy.mu.Lock()
		b.request.Sum = [sha256.Size]byte(b.hash.Sum(nil))
		b.proxy.mu.Unlock()
	}
	return n, err
}
