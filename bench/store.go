package main

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const bucket = "live"

// maxPlaylist limits what is kept of an object, in bytes.
const maxPlaylist = 1 << 20

// A store is an S3 endpoint in memory, with one bucket. It keeps the content of playlists, and the
// size and the MD5 of all else. It compares an MD5 and a CRC32 with the content, and repeats the
// latter, as S3 does. It checks no signatures, and knows no uploads in parts.
type store struct {
	account   *account
	delay     delay
	perKey    limiter
	perPrefix limiter // a prefix is a directory
	outage    atomic.Pointer[outage]

	mu      sync.Mutex // guards objects
	objects map[string]object
}

type object struct {
	size int64
	sum  sum
	at   time.Time
	meta http.Header
	text []byte // of a playlist
}

func newStore(a *account) *store { return &store{account: a, objects: make(map[string]object)} }

// ServeHTTP implements http.Handler.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "bench")
	w.Header().Set("X-Amz-Request-Id", "1")
	if o := s.outage.Load(); o != nil && o.is(time.Now()) {
		s.account.count(func(c *requestCount) { c.Failed++ })
		o.refuse(w, r)
		return
	}
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case name == "":
		answer(w, http.StatusOK, "<ListAllMyBucketsResult><Buckets><Bucket><Name>"+bucket+
			"</Name><CreationDate>2026-01-01T00:00:00Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>")
	case name != bucket:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case key == "":
		s.serveBucket(w, r)
	case r.Method == http.MethodPut:
		s.put(w, r, path.Clean(key))
	case r.Method == http.MethodHead, r.Method == http.MethodGet:
		s.get(w, r, path.Clean(key))
	case r.Method == http.MethodDelete:
		s.account.count(func(c *requestCount) { c.Delete++ })
		s.mu.Lock()
		delete(s.objects, path.Clean(key))
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func (s *store) put(w http.ResponseWriter, r *http.Request, key string) {
	s.account.count(func(c *requestCount) { c.Put++ })
	now := time.Now()
	if r.URL.RawQuery != "" && r.URL.Query().Get("x-id") != "PutObject" {
		refuse(w, http.StatusNotImplemented, "NotImplemented") // a part, or a property
		return
	}
	if !s.perKey.allows(key, now) || !s.perPrefix.allows(path.Dir(key), now) {
		s.account.count(func(c *requestCount) { c.Failed++ })
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return
	}
	o, err := receive(r, isPlaylist(key))
	if err != nil { // the client may have gone; the store keeps nothing
		s.account.count(func(c *requestCount) { c.Failed++ })
		code := "IncompleteBody"
		if errors.Is(err, errOtherContent) {
			code = "BadDigest"
		}
		refuse(w, http.StatusBadRequest, code)
		return
	}
	time.Sleep(s.delay.draw()) // so long a PUT takes, whether or not the client waits
	o.at = time.Now()
	if !s.store(key, o, r.Header.Get("If-Match")) {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	w.Header().Set("Etag", o.etag())
	if sum := r.Header.Get(crc32Header); sum != "" {
		w.Header().Set(crc32Header, sum)
	}
	w.WriteHeader(http.StatusOK)
}

// store stores o, unless it is to replace another object than there is. Like S3, it looks when the
// request is complete.
func (s *store) store(key string, o object, replaced string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, ok := s.objects[key]; replaced != "" && (!ok || was.etag() != replaced) {
		return false
	}
	s.objects[key] = o
	s.account.stored(key, o.size, o.sum, o.text)
	return true
}

const crc32Header = "X-Amz-Checksum-Crc32"

// errOtherContent is about content with another checksum than the request has.
var errOtherContent = errors.New("the content is not that of the checksum")

// receive reads an object, which may come in the chunks of SigV4, and compares its checksums.
func receive(r *http.Request, keep bool) (object, error) {
	var body io.Reader = r.Body
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		body = httputil.NewChunkedReader(r.Body)
	}
	o := object{meta: make(http.Header)}
	sums := sumPool.Get().(*receiver)
	defer sumPool.Put(sums)
	sums.md5.Reset()
	sums.crc32.Reset()
	text := &limitedText{keep: keep}
	var err error
	// Only Write and Read are visible: WriteTo or ReadFrom would not use the buffer.
	to, from := struct{ io.Writer }{io.MultiWriter(sums.md5, sums.crc32, text)}, struct{ io.Reader }{body}
	o.size, err = io.CopyBuffer(to, from, sums.buffer)
	if err != nil {
		return o, err
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil { // the trailer
		return o, err
	}
	sums.md5.Sum(o.sum[:0])
	for name, sum := range map[string][]byte{"Content-Md5": o.sum[:], crc32Header: sums.crc32.Sum(nil)} {
		if want := r.Header.Get(name); want != "" && want != base64.StdEncoding.EncodeToString(sum) {
			return o, errOtherContent
		}
	}
	o.text = text.b
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			o.meta[name] = values
		}
	}
	return o, nil
}

// A receiver is what receiving needs.
type receiver struct {
	md5, crc32 hash.Hash
	buffer     []byte
}

var sumPool = sync.Pool{New: func() any {
	return &receiver{md5.New(), crc32.NewIEEE(), make([]byte, 64<<10)}
}}

type limitedText struct {
	keep bool
	b    []byte
}

func (t *limitedText) Write(p []byte) (int, error) {
	if t.keep {
		t.b = append(t.b, p...)
		if len(t.b) > maxPlaylist {
			return 0, errors.New("the playlist is too long")
		}
	}
	return len(p), nil
}

func (o object) etag() string { return `"` + hex.EncodeToString(o.sum[:]) + `"` }

func (s *store) get(w http.ResponseWriter, r *http.Request, key string) {
	s.account.count(func(c *requestCount) {
		if r.Method == http.MethodHead {
			c.Head++
		} else {
			c.Get++
		}
	})
	s.mu.Lock()
	o, ok := s.objects[key]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	maps.Copy(w.Header(), o.meta)
	w.Header().Set("Etag", o.etag())
	w.Header().Set("Content-Length", strconv.FormatInt(o.size, 10))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Last-Modified", o.at.UTC().Format(http.TimeFormat))
	if r.Method == http.MethodGet && int64(len(o.text)) == o.size {
		w.Write(o.text)
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, xml.Header+text)
}

func refuse(w http.ResponseWriter, status int, code string) {
	answer(w, status, fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message></Error>", code, code))
}

// refuse treats a request as the outage does.
func (o *outage) refuse(w http.ResponseWriter, r *http.Request) {
	switch o.kind {
	case "503":
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable")
	case "hang":
		select {
		case <-r.Context().Done():
		case <-time.After(time.Until(o.end)):
		}
		panic(http.ErrAbortHandler)
	default:
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if tcp, ok := c.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
			c.Close()
		}
	}
}
