package admin

import (
	"net/http"
	"runtime"
	"sync"
	"time"
)

// A stackReader answers /debug/goroutines. All goroutines stand still while they are read, so one
// client at a time gets them, and at most one in stacksEvery.
type stackReader struct {
	reading sync.Mutex
	last    time.Time
}

// ServeHTTP writes what each goroutine does, as text: where a daemon that hangs stands.
func (s *stackReader) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	stacks := s.read(time.Now())
	if stacks == nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "goroutines are read once a second at most", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write(stacks) // the client may be gone
}

// read returns the stacks, or nil if that was done a moment ago.
func (s *stackReader) read(now time.Time) []byte {
	s.reading.Lock()
	defer s.reading.Unlock()
	if now.Sub(s.last) < stacksEvery {
		return nil
	}
	s.last = now
	stacks := make([]byte, maxStacks)
	return stacks[:runtime.Stack(stacks, true)]
}
