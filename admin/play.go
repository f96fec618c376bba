package admin

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// An Object is what a bucket has under a key, or a part of that.
type Object struct {
	Body  io.ReadCloser
	Type  string // for Content-Type; by the key, and not what the bucket says
	Size  int64  // bytes of Body
	Range string // which part it is, for Content-Range; empty: it is the whole
}

// A Store opens objects for the page's player. Its methods are called from several goroutines at
// once.
type Store interface {
	// Object returns nil if there is none that may be played. byteRange is HTTP's Range, or empty.
	Object(ctx context.Context, bucket, key, byteRange string) (*Object, error)
}

// oneRange is a Range with one part. With any other the whole is sent, which is always right.
var oneRange = regexp.MustCompile(`^bytes=([0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})$`)

// player serves /play/BUCKET/KEY: objects for the page's player, where the bucket is private.
func player(store Store) http.HandlerFunc {
	playing := make(chan struct{}, maxPlaying)
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox") // whatever it is, it is no page
		select {
		case playing <- struct{}{}:
			defer func() { <-playing }()
		default:
			h.Set("Retry-After", "1")
			http.Error(w, "too many objects are read at once", http.StatusServiceUnavailable)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), playTime)
		defer cancel()
		byteRange := r.Header.Get("Range")
		if !oneRange.MatchString(byteRange) {
			byteRange = ""
		}
		object, err := store.Object(ctx, r.PathValue("bucket"), r.PathValue("key"), byteRange)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		case object == nil:
			http.Error(w, "the bucket has no such object, or it is not of an HLS stream", http.StatusNotFound)
			return
		}
		defer object.Body.Close()
		// Fails in tests only, without a connection.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(playTime))
		h.Set("Content-Type", object.Type)
		h.Set("Content-Length", strconv.FormatInt(object.Size, 10))
		h.Set("Accept-Ranges", "bytes")
		status := http.StatusOK
		if object.Range != "" {
			h.Set("Content-Range", object.Range)
			status = http.StatusPartialContent
		}
		w.WriteHeader(status)
		_, _ = io.CopyN(w, object.Body, object.Size) // the player is gone, or sees that it is short
	}
}
