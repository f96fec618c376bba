package s3store

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader"
)

// A call is one request to the server.
type call struct {
	op, key, id string
	part        int
	header      http.Header
	query       url.Values
	from        string // the connection
	bytes       atomic.Int64
	status      atomic.Int64
}

// A gate stands between Stores and the real server. It notes what goes through, and can break it.
type gate struct {
	endpoint string

	mu     sync.Mutex
	calls  []*call
	before func(c *call, w http.ResponseWriter, r *http.Request) (forward bool)
	after  func(c *call, r *http.Response) error
}

// onCall has f see each request before the server does; it may wait, or answer and return false.
// nil ends that.
func (g *gate) onCall(f func(c *call, w http.ResponseWriter, r *http.Request) (forward bool)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before = f
}

// onAnswer has f see each of the server's answers; it may change it, or lose it by returning an
// error.
func (g *gate) onAnswer(f func(c *call, r *http.Response) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.after = f
}

type callKey struct{}

func newGate(t *testing.T, server *s3test.Server) *gate {
	t.Helper()
	target, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(r *http.Response) error {
			c := r.Request.Context().Value(callKey{}).(*call)
			c.status.Store(int64(r.StatusCode))
			g.mu.Lock()
			after := g.after
			g.mu.Unlock()
			if after == nil {
				return nil
			}
			return after(c, r)
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
		Transport:    &http.Transport{MaxIdleConnsPerHost: 16},
	}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		c := &call{
			op: operation(r.Method, q), key: strings.TrimPrefix(r.URL.Path, "/"+server.Bucket+"/"),
			id: q.Get("uploadId"), header: r.Header.Clone(), query: q, from: r.RemoteAddr,
		}
		c.part, _ = strconv.Atoi(q.Get("partNumber"))
		r.Body = struct {
			io.Reader
			io.Closer
		}{&countingReader{r.Body, &c.bytes}, r.Body}
		g.mu.Lock()
		g.calls = append(g.calls, c)
		before := g.before
		g.mu.Unlock()
		if before != nil && !before(c, w, r) {
			return
		}
		forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	}))
	t.Cleanup(listener.Close)
	t.Cleanup(forward.Transport.(*http.Transport).CloseIdleConnections)
	g.endpoint = listener.URL
	return g
}

func operation(method string, q url.Values) string {
	switch {
	case method == http.MethodPost && q.Has("uploads"):
		return "Create"
	case method == http.MethodPost && q.Has("delete"):
		return "DeleteObjects"
	case method == http.MethodPost:
		return "Complete"
	case method == http.MethodPut && q.Has("partNumber"):
		return "UploadPart"
	case method == http.MethodDelete && q.Has("uploadId"):
		return "Abort"
	case method == http.MethodGet && q.Has("uploads"):
		return "ListUploads"
	case method == http.MethodGet && q.Has("uploadId"):
		return "ListParts"
	case method == http.MethodGet && q.Has("list-type"):
		return "ListObjects"
	}
	return method
}

type countingReader struct {
	io.Reader
	n *atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// forget empties the log.
func (g *gate) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = nil
}

// of returns the calls of one operation.
func (g *gate) of(op string) (calls []*call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.calls {
		if c.op == op {
			calls = append(calls, c)
		}
	}
	return calls
}

func (g *gate) all() []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

// sent returns the numbers of the parts that were sent, in order, and the bytes of all.
func (g *gate) sent() (parts []int, bytes int64) {
	for _, c := range g.of("UploadPart") {
		parts = append(parts, c.part)
		bytes += c.bytes.Load()
	}
	slices.Sort(parts)
	return parts, bytes
}

// refuse answers as S3 does.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, "<Error><Code>"+code+"</Code><Message>said the gate</Message></Error>")
}

// swallow takes the request and does not answer before the client has gone, which shows only when
// its content has been read.
func swallow(r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// rewrite changes the body of an answer.
func rewrite(r *http.Response, change func(string) string) {
	b, _ := io.ReadAll(r.Body)
	r.Body.Close()
	text := change(string(b))
	r.Body = io.NopCloser(strings.NewReader(text))
	r.ContentLength = int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
}

var (
	oneUpload = regexp.MustCompile(`(?s)<Upload>.*?</Upload>`)
	listedKey = regexp.MustCompile(`<Key>(.*?)</Key>`)
	listedID  = regexp.MustCompile(`<UploadId>(.*?)</UploadId>`)
)

// pageUploads has g give the server's list of uploads in pages of one, as S3 would. versitygw 1.8.0
// itself refuses the marker that it gave, if the next page begins with another key.
func pageUploads(g *gate) {
	var mu sync.Mutex
	var list []string
	page := func(i int) string {
		mu.Lock()
		defer mu.Unlock()
		body := "<IsTruncated>false</IsTruncated>"
		if i < len(list)-1 {
			body = "<IsTruncated>true</IsTruncated><NextKeyMarker>" + listedKey.FindStringSubmatch(list[i])[1] +
				"</NextKeyMarker><NextUploadIdMarker>" + listedID.FindStringSubmatch(list[i])[1] + "</NextUploadIdMarker>"
		}
		if i < len(list) {
			body += list[i]
		}
		return "<ListMultipartUploadsResult>" + body + "</ListMultipartUploadsResult>"
	}
	g.onAnswer(func(c *call, r *http.Response) error {
		if c.op == "ListUploads" {
			rewrite(r, func(body string) string {
				mu.Lock()
				list = oneUpload.FindAllString(body, -1)
				mu.Unlock()
				return page(0)
			})
		}
		return nil
	})
	g.onCall(func(c *call, w http.ResponseWriter, _ *http.Request) bool {
		if c.op != "ListUploads" || !c.query.Has("upload-id-marker") {
			return true
		}
		mu.Lock()
		i := slices.IndexFunc(list, func(u string) bool {
			return strings.Contains(u, c.query.Get("upload-id-marker")) && strings.Contains(u, "<Key>"+c.query.Get("key-marker")+"<")
		})
		mu.Unlock()
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
		io.WriteString(w, page(i+1))
		return false
	})
}

// onePartAPage has a client ask for pages of one part.
func onePartAPage(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("OnePartAPage", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			if list, ok := in.Parameters.(*s3.ListPartsInput); ok {
				list.MaxParts = aws.Int32(1)
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
}

// A countingBody counts what is read of it.
type countingBody struct {
	uploader.Body
	n atomic.Int64
}

func (b *countingBody) ReadAt(p []byte, off int64) (int, error) {
	n, err := b.Body.ReadAt(p, off)
	b.n.Add(int64(n))
	return n, err
}

func (b *countingBody) bytes() int64 { return b.n.Load() }

func keepNone(string) bool { return false }
