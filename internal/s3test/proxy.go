package s3test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
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
	Length int64  // of the body
	Body   []byte // of a manifest's PUT
	Status int    // of the answer, 0 if there was none
	Began  time.Time
	Ended  time.Time
}

// A Proxy stands between a client and a Server, and keeps a log of what went through it.
type Proxy struct {
	Endpoint string
	// Before, if set, sees each request before the server does, and may wait, or answer itself and
	// return false. It is called from several goroutines at once. Set it before the first request.
	Before func(r *Request, w http.ResponseWriter) (forward bool)
	// After, if set, sees each request that the server has answered, before the client sees the answer.
	After func(r *Request)

	mu  sync.Mutex
	log []*Request
}

// manifestName matches the manifests of all formats, with EMS's default names.
var manifestName = regexp.MustCompile(`(\.(m3u8|f4m|mpd|ismc)|/bootstrap)$`)

// NewProxy returns a proxy for s, which ends with the test.
func NewProxy(t testing.TB, s *Server) *Proxy {
	t.Helper()
	target, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		ErrorLog:  log.New(io.Discard, "", 0), // clients that give up are the client's to report
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		r := &Request{Method: in.Method, Key: strings.TrimPrefix(in.URL.Path, "/"+s.Bucket+"/"),
			Query: in.URL.RawQuery, Length: in.ContentLength, Began: time.Now()}
		if in.Method == http.MethodPut && manifestName.MatchString(r.Key) {
			r.Body, _ = io.ReadAll(in.Body) // a body that is cut is the server's to refuse
			in.Body = io.NopCloser(strings.NewReader(string(r.Body)))
		}
		p.mu.Lock()
		p.log = append(p.log, r)
		p.mu.Unlock()
		if p.Before != nil && !p.Before(r, w) {
			return
		}
		forward.ServeHTTP(&answerWriter{w, p, r}, in)
	}))
	t.Cleanup(server.Close)
	p.Endpoint = server.URL
	return p
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
	}
	w.ResponseWriter.WriteHeader(status)
}
