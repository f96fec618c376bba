package s3test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// A Fault is one way in which a bucket, or the way to it, fails.
type Fault struct {
	Name   string
	befall func(p *Proxy, w http.ResponseWriter, in *http.Request, r *Request) // nil: there are no requests
	only   func(r *Request) bool                                               // nil: all
}

// Only returns the fault for those requests that match.
func (f Fault) Only(name string, match func(r *Request) bool) Fault {
	return Fault{name, f.befall, match}
}

// Befall switches the fault on for all requests from now on, until Mend.
func (p *Proxy) Befall(f Fault) {
	p.mu.Lock()
	p.fault = &f
	p.mu.Unlock()
	if f.befall == nil {
		p.close()
	}
}

// Mend switches the fault off.
func (p *Proxy) Mend() {
	p.t.Helper()
	p.mu.Lock()
	p.fault = nil
	refuses := p.server == nil
	p.mu.Unlock()
	if !refuses {
		return
	}
	l, err := net.Listen("tcp", p.listener.Addr().String())
	if err != nil {
		p.t.Fatalf("the proxy cannot come back: %v", err)
	}
	p.serve(l)
}

// Settle waits until no request is in the hands of a fault any more: clients have given up, and
// what comes late is applied.
func (p *Proxy) Settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.befallen > 0 {
		p.settled.Wait()
	}
}

// Refuse is a host on which nothing listens. Open connections are cut.
func Refuse() Fault { return Fault{Name: "refuse"} }

// Reset is a connection that is reset in the middle of the request.
func Reset() Fault {
	return Fault{Name: "reset", befall: func(p *Proxy, w http.ResponseWriter, in *http.Request, r *Request) {
		io.CopyN(io.Discard, in.Body, in.ContentLength/2)
		reset(hijack(w))
	}}
}

// Stall is a host that takes requests and never answers.
func Stall() Fault {
	return Fault{Name: "stall", befall: func(p *Proxy, w http.ResponseWriter, in *http.Request, r *Request) {
		conn := hijack(w)
		io.Copy(io.Discard, conn) // until the client gives up
		conn.Close()
	}}
}

// Answer is a server that answers all requests with the error.
func Answer(status int, code string) Fault {
	return Fault{Name: fmt.Sprint(status, " ", code), befall: func(p *Proxy, w http.ResponseWriter, in *http.Request,
		r *Request) {
		io.Copy(io.Discard, in.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		if in.Method != http.MethodHead {
			fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>injected</Message></Error>", code)
		}
	}}
}

// Page is a server in the store's place that answers all requests with the status 200 and a page of
// HTML, as a proxy or a captive portal does.
func Page() Fault {
	return Fault{Name: "page", befall: func(p *Proxy, w http.ResponseWriter, in *http.Request, r *Request) {
		io.Copy(io.Discard, in.Body)
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("ETag", `"65a1b2c3-3d"`) // as of a file
		io.WriteString(w, "<!doctype html><title>Maintenance</title>")
	}}
}

// CutRequest is a connection that breaks when the server has half of a request's body, or all of
// one without a body.
func CutRequest() Fault {
	return Fault{Name: "cut request", befall: func(p *Proxy, w http.ResponseWriter, in *http.Request, r *Request) {
		if in.ContentLength > 0 {
			in.Body = io.NopCloser(&cutReader{in.Body, in.ContentLength / 2})
			p.forward.ServeHTTP(&answerWriter{httptest.NewRecorder(), p, r}, in)
		}
		reset(hijack(w))
	}}
}

// CutAnswer is a connection that breaks in the middle of the answer: the request was applied.
func CutAnswer() Fault {
	return Fault{Name: "cut answer", befall: func(p *Proxy, w http.ResponseWriter, in *http.Request, r *Request) {
		recorder := httptest.NewRecorder()
		p.forward.ServeHTTP(&answerWriter{recorder, p, r}, in)
		answer := recorder.Result()
		answer.ContentLength = int64(recorder.Body.Len())
		var b bytes.Buffer
		answer.Write(&b)
		conn := hijack(w)
		conn.Write(b.Bytes()[:b.Len()/2])
		conn.Close()
	}}
}

// Late is a server that applies PUTs only when the client has given up, and then takes its time, at
// most for so long. It answers nothing else.
func Late(most time.Duration) Fault {
	return Fault{Name: "late", befall: func(p *Proxy, w http.ResponseWriter, in *http.Request, r *Request) {
		body, err := io.ReadAll(in.Body)
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			io.Copy(io.Discard, conn) // until the client gives up
			conn.Close()
		}
		if err != nil || in.Method != http.MethodPut {
			return
		}
		out := in.Clone(context.WithoutCancel(in.Context()))
		out.Body = io.NopCloser(bytes.NewReader(body))
		time.Sleep(rand.N(most)) // nothing but the clock tells that the time has come
		p.forward.ServeHTTP(&answerWriter{httptest.NewRecorder(), p, r}, out)
	}}
}

// hijack takes the client's connection.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	return conn
}

func reset(conn net.Conn) {
	below := conn
	if secured, ok := conn.(*tls.Conn); ok {
		below = secured.NetConn()
	}
	below.(*net.TCPConn).SetLinger(0)
	below.Close()
}

// A cutReader fails after so many bytes.
type cutReader struct {
	io.Reader
	left int64
}

func (r *cutReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := r.Reader.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}
