package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

const bucketName = "ems-demo"

// A store is an S3 server whose one bucket lives in memory. As with a bucket whose policy allows
// s3:GetObject to everyone, objects can be read without a signature and from any web page; all else
// must be signed (SigV4) with the credentials, which are new in each run.
type store struct {
	AccessKey, SecretKey string

	backend gofakes3.Backend
	signed  http.Handler
	public  http.Handler
	stored  func(ctx context.Context, key string)

	troubles *troubles // nil: none
}

// newStore returns a store with an empty bucket.
func newStore(log *slog.Logger) (*store, error) {
	s := &store{AccessKey: rand.Text(), SecretKey: rand.Text() + rand.Text()}
	memory := s3mem.New()
	if err := memory.CreateBucket(context.Background(), bucketName); err != nil {
		return nil, fmt.Errorf("create bucket: %w", err)
	}
	s.backend = observedBackend{memory, s}
	logger := gofakes3.WithLogger(storeLog{log})
	s.signed = gofakes3.New(s.backend, logger,
		gofakes3.WithV4Auth(map[string]string{s.AccessKey: s.SecretKey})).Server()
	s.public = gofakes3.New(s.backend, logger).Server()
	return s, nil
}

// observe sets stored, which is called for each new object, on the goroutine of its request. Call
// it once, before the store serves.
func (s *store) observe(stored func(ctx context.Context, key string)) { s.stored = stored }

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case r.Method == http.MethodOptions:
		// A browser asks before a request that is not a simple one, such as one for a range of
		// bytes.
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	case reads && key != "" && !isSigned(r):
		// Without the query: it could ask for something else than the object's content.
		r = r.Clone(r.Context())
		r.URL.RawQuery = ""
		s.public.ServeHTTP(w, r)
	case s.troubles != nil && s.troubles.isCut():
		panic(http.ErrAbortHandler) // the connection is closed without an answer
	default:
		s.signed.ServeHTTP(w, r)
	}
}

// isSigned reports whether the request carries a signature, right or wrong, in one of the places
// that SigV4 has for it.
func isSigned(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || r.URL.Query().Has("X-Amz-Signature")
}

// size returns the bytes of the object, and false if the bucket does not hold it.
func (s *store) size(ctx context.Context, key string) (int64, bool) {
	o, err := s.backend.HeadObject(ctx, bucketName, key)
	if err != nil {
		return 0, false
	}
	_ = o.Contents.Close()
	return o.Size, true
}

// read returns the whole object.
func (s *store) read(ctx context.Context, key string) ([]byte, error) {
	o, err := s.backend.GetObject(ctx, bucketName, key, nil)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	defer o.Contents.Close()
	return io.ReadAll(o.Contents)
}

// list lists what the bucket holds.
func (s *store) list(ctx context.Context) ([]*gofakes3.Content, error) {
	list, err := s.backend.ListBucket(ctx, bucketName, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil, fmt.Errorf("list bucket: %w", err)
	}
	return list.Contents, nil
}

// observedBackend reports each object that was stored.
type observedBackend struct {
	gofakes3.Backend
	store *store
}

func (b observedBackend) PutObject(ctx context.Context, bucket, key string, meta map[string]string,
	r io.Reader, size int64) (gofakes3.PutObjectResult, error) {
	result, err := b.Backend.PutObject(ctx, bucket, key, meta, r, size)
	if err == nil && b.store.stored != nil {
		b.store.stored(ctx, key)
	}
	return result, err
}

// storeLog logs the warnings and errors of gofakes3.
type storeLog struct{ log *slog.Logger }

func (l storeLog) Print(level gofakes3.LogLevel, v ...any) {
	switch level {
	case gofakes3.LogErr:
		l.log.Error("S3 server", "message", fmt.Sprint(v...))
	case gofakes3.LogWarn:
		l.log.Warn("S3 server", "message", fmt.Sprint(v...))
	}
}
