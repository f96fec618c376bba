package main

import (
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
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
// latter, as S3 does. It checks no signatures.
type store struct {
	account   *account
	delay     delay
	perKey    limiter
	perPrefix limiter // a prefix is a directory
	line      line
	outage    atomic.Pointer[outage]

	mu      sync.Mutex // guards objects and uploads
	objects objects
	uploads map[string]*upload // in parts, by their IDs
	begun   int                // uploads so far
}

type object struct {
	size  int64
	sum   sum // of the content, or of the MD5s of its parts
	parts int // 0: it came as a whole
	at    time.Time
	meta  http.Header
	text  []byte // of a playlist
}

func newStore(a *account) *store {
	return &store{account: a, objects: make(objects), uploads: make(map[string]*upload)}
}

// objects are by their directory and their name there: a list is of few directories.
type objects map[string]map[string]object

func (all objects) get(key string) (object, bool) {
	o, ok := all[path.Dir(key)][path.Base(key)]
	return o, ok
}

func (all objects) set(key string, o object) {
	dir := all[path.Dir(key)]
	if dir == nil {
		dir = make(map[string]object)
		all[path.Dir(key)] = dir
	}
	dir[path.Base(key)] = o
}

func (all objects) remove(key string) { delete(all[path.Dir(key)], path.Base(key)) }

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
	case r.URL.Query().Has("uploadId"), r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
		s.serveParts(w, r, path.Clean(key))
	case r.Method == http.MethodPut:
		s.put(w, r, path.Clean(key))
	case r.Method == http.MethodHead, r.Method == http.MethodGet:
		s.get(w, r, path.Clean(key))
	case r.Method == http.MethodDelete:
		s.account.count(func(c *requestCount) { c.Delete++ })
		s.mu.Lock()
		s.objects.remove(path.Clean(key))
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
		refuse(w, http.StatusNotImplemented, "NotImplemented") // a property
		return
	}
	if !s.perKey.allows(key, now) || !s.perPrefix.allows(path.Dir(key), now) {
		s.account.count(func(c *requestCount) { c.Failed++ })
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return
	}
	o, ok := s.take(w, r, isPlaylist(key))
	if !ok {
		return
	}
	if !s.store(key, o, r.Header) {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	w.Header().Set("Etag", o.etag())
	if sum := r.Header.Get(crc32Header); sum != "" {
		w.Header().Set(crc32Header, sum)
	}
	w.WriteHeader(http.StatusOK)
}

// take receives the content of a request. It answers the request if that fails.
func (s *store) take(w http.ResponseWriter, r *http.Request, keep bool) (object, bool) {
	o, err := receive(r, &s.line, keep)
	if err != nil { // the client may have gone; the store keeps nothing
		s.account.count(func(c *requestCount) { c.Failed++ })
		code := "IncompleteBody"
		if errors.Is(err, errOtherContent) {
			code = "BadDigest"
		}
		refuse(w, http.StatusBadRequest, code)
		return o, false
	}
	time.Sleep(s.delay.draw()) // so long a PUT takes, whether or not the client waits
	o.at = time.Now()
	return o, true
}

// store stores o, unless it is to replace another object than there is, or none. Like S3, it looks
// when the request is complete.
func (s *store) store(key string, o object, conditions http.Header) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.objects.get(key)
	if replaced := conditions.Get("If-Match"); replaced != "" && (!ok || was.etag() != replaced) ||
		conditions.Get("If-None-Match") == "*" && ok {
		return false
	}
	s.objects.set(key, o)
	s.account.stored(key, o.size, o.sum, o.text)
	return true
}

func (o object) etag() string {
	text := hex.EncodeToString(o.sum[:])
	if o.parts > 0 {
		text += "-" + strconv.Itoa(o.parts)
	}
	return `"` + text + `"`
}

func (s *store) get(w http.ResponseWriter, r *http.Request, key string) {
	s.account.count(func(c *requestCount) {
		if r.Method == http.MethodHead {
			c.Head++
		} else {
			c.Get++
		}
	})
	s.mu.Lock()
	o, ok := s.objects.get(key)
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
