package environment

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// A trap is a server to which nothing may be sent: answers of others lead there.
type trap struct {
	t   *testing.T
	url string

	mu   sync.Mutex // guards hits
	hits []string
}

func newTrap(t *testing.T) *trap {
	trap := &trap{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		trap.hit("%s %s with Authorization: %t", r.Method, r.URL.Path, r.Header.Get("Authorization") != "")
	}))
	t.Cleanup(server.Close)
	trap.url = server.URL
	return trap
}

func (p *trap) hit(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.hits) < 20 {
		p.hits = append(p.hits, fmt.Sprintf(format, args...))
	}
}

func (p *trap) judge() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.hits) > 0 {
		p.t.Errorf("a server was believed: %q", p.hits)
	}
}

// flood writes the text again and again until the client or the attack ends.
func (a *attack) flood(w io.Writer, text string) {
	block := bytes.Repeat([]byte(text), 1+(64<<10)/len(text))
	for range 16 << 10 { // a gigabyte
		select {
		case <-a.stop:
			return
		default:
		}
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// hang answers nothing until the client or the attack ends.
func (a *attack) hang(r *http.Request) {
	select {
	case <-a.stop:
	case <-r.Context().Done():
	}
}

// newHostileStore starts a store that takes recordings and lies, and returns its URL.
func newHostileStore(a *attack) string {
	answers := []func(w http.ResponseWriter, r *http.Request){
		func(w http.ResponseWriter, _ *http.Request) { // of a proxy
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<!doctype html><title>Maintenance</title>")
		},
		func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"x"`) },
		func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", `"`+strings.Repeat("0", 32)+`"`) },
		func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<Error><Code>AccessDenied</Code><Message>no&#10;level=ERROR msg=forged %s</Message></Error>", r.Header.Get("Authorization"))
		},
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, "<Error><Code>InternalError</Code><Message>")
			a.flood(w, "M")
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", a.trap.url+r.URL.Path)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		func(_ http.ResponseWriter, r *http.Request) { a.hang(r) },
		func(w http.ResponseWriter, _ *http.Request) {
			for i := range 1000 {
				w.Header().Set(fmt.Sprint("x-amz-meta-", i), strings.Repeat("h", 1000))
			}
		},
		func(w http.ResponseWriter, _ *http.Request) { // a listing that has no end, or no sense
			io.WriteString(w, `<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken>`)
			a.flood(w, "<Contents><Key>x.ts</Key><Size>1</Size></Contents>")
		},
	}
	var turn sync.Mutex
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if bytes.Contains(b, []byte(canary)) {
			a.trap.hit("%s has the canary", r.URL.Path)
		}
		if err != nil {
			return
		}
		turn.Lock()
		answer := answers[n%len(answers)]
		n++
		turn.Unlock()
		answer(w, r)
	}))
	a.t.Cleanup(server.Close)
	return server.URL
}

// newHostileEMS starts a media server, the own one or a member of its group, that answers every
// third request as the server at the URL does. It returns its URL.
func newHostileEMS(a *attack, target, listen string) string {
	to, err := url.Parse(target)
	e2e.Must(a.t, err)
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.ErrorLog = nil
	answers := []func(w http.ResponseWriter, r *http.Request){
		func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"data":[`)
			a.flood(w, "{},")
		},
		func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"data":"`)
			a.flood(w, "A")
		},
		func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"data":`+strings.Repeat("[", 1_000_000))
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", a.trap.url+r.URL.Path)
			w.WriteHeader(http.StatusFound)
		},
		func(w http.ResponseWriter, r *http.Request) {
			for range 50 {
				if _, err := io.WriteString(w, " "); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				select {
				case <-a.stop:
					return
				case <-r.Context().Done():
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		},
		func(w http.ResponseWriter, _ *http.Request) { // its outputs are wherever a secret is
			fmt.Fprintf(w, `{"data":{"hls":[{"configId":1,"operationType":3,"groupTargetFolder":%q,"groupName":"g","localStreamName":"s","status":{"current":{"code":0}}}],`+
				`"record":[{"configId":2,"operationType":7,"pathToFile":%q,"localStreamName":"s"}]},"description":"x","status":"SUCCESS"}`, a.outside, a.outside+"/segment_1.ts")
		},
		func(w http.ResponseWriter, _ *http.Request) { // streams that publishers named
			io.WriteString(w, `{"data":[{"uniqueId":901,"name":"../../../x","type":"INR"},{"uniqueId":902,"name":"a\r\nshutdownServer","type":"INR"},`+
				`{"uniqueId":903,"name":"`+strings.Repeat("n", 5000)+`","type":"INR"}],"description":"`+strings.Repeat("d", 100_000)+`","status":"SUCCESS"}`)
		},
		func(_ http.ResponseWriter, r *http.Request) { a.hang(r) },
	}
	var turn sync.Mutex
	n := 0
	l, err := net.Listen("tcp", listen)
	e2e.Must(a.t, err)
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, params, ok := strings.Cut(r.URL.RawQuery, "params="); ok {
			b, err := base64.StdEncoding.DecodeString(params)
			if err != nil || bytes.ContainsAny(b, "\r\n\x00") || bytes.Contains(b, []byte(s3test.SecretKey)) {
				a.trap.hit("%s with %q: another command, or a secret", r.URL.Path, b)
			}
		}
		turn.Lock()
		answer := answers[n/3%len(answers)]
		good := n%3 == 0
		n++
		turn.Unlock()
		if good || !strings.HasPrefix(r.URL.Path, "/list") {
			forward.ServeHTTP(w, r)
			return
		}
		answer(w, r)
	})}}
	server.Start()
	a.t.Cleanup(server.Close)
	return server.URL
}
