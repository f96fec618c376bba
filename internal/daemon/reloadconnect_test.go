package daemon

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// A store that a reload opens has credentials and a connection before the first chunk goes to it.
func TestReloadConnectsTheStoreThatItOpens(t *testing.T) {
	t.Parallel()
	bucket := s3mem.New()
	if err := bucket.CreateBucket(t.Context(), "live"); err != nil {
		t.Fatal(err)
	}
	inner := gofakes3.New(bucket).Server()
	var mu sync.Mutex
	known := make(map[string]bool)
	var firsts []string // the first request over each connection
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if !known[r.RemoteAddr] {
			known[r.RemoteAddr] = true
			firsts = append(firsts, r.Method+" "+r.URL.Path)
		}
		mu.Unlock()
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s := &site{t: t, bucket: bucket, log: &syncBuffer{}, ready: make(chan struct{})}
	s.new(server.URL, "[AmazonHLSUpload]\nwatch_dir = "+t.TempDir()+"\n")
	s.run()
	connected := func() bool {
		mu.Lock()
		defer mu.Unlock()
		defer func() { firsts = nil }()
		return slices.Contains(firsts, "HEAD /live")
	}
	connected()
	s.mustReload("aws_secret_key = s", "aws_secret_key = other")
	if !connected() {
		t.Error("the new store is not connected")
	}
	s.mustReload("aws_secret_key = s", "aws_secret_key = other\ndelete_delay = 1h")
	if connected() {
		t.Error("nothing of the store has changed, and another one is connected")
	}
	s.mustReload("aws_secret_key = s", "aws_secret_key = other", "[AmazonHLSUpload]",
		"[AmazonHDSUpload]\nwatch_dir = "+t.TempDir()+"\n[AmazonHLSUpload]")
	if !connected() {
		t.Error("the store of a new section is not connected")
	}
}
