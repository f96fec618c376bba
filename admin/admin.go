// Package admin is the listener for operators and their tools: whether the daemon is alive and ready. It
// knows the daemon through the State interface only, and changes nothing.
package admin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// State is what the daemon says of itself. Its methods are called from several goroutines at once.
type State interface {
	// Alive reports whether the uploader answers.
	Alive(ctx context.Context) bool
	// NotReady says what the daemon still waits for; nothing means that it is ready.
	NotReady() []string
}

const (
	aliveTimeout  = 2 * time.Second
	headerTimeout = 5 * time.Second
	stopTimeout   = time.Second
)

// Handler serves /healthz and /readyz: 200 with "ok", or 503 with the reasons, a line each.
func Handler(state State) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), aliveTimeout)
		defer cancel()
		if !state.Alive(ctx) {
			answer(w, []string{"the uploader does not answer"})
			return
		}
		answer(w, nil)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, state.NotReady()) })
	return mux
}

func answer(w http.ResponseWriter, wrong []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(wrong) > 0 {
		http.Error(w, strings.Join(wrong, "\n"), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// Serve serves state on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, state State) error {
	server := &http.Server{Handler: Handler(state), ReadHeaderTimeout: headerTimeout}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	err := server.Serve(l)
	if !stop() {
		<-stopped
		return nil
	}
	return fmt.Errorf("admin listener: %w", err)
}
