// Package admin is the listener for operators and their tools: whether the daemon is alive and
// ready, its metrics, its API and its status page. It knows the daemon through the State interface
// only. Only who has the token may change something.
package admin

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/admin/page"
	"ems-sidecar/internal/listen"
)

// State is what the daemon says of itself. Its methods are called from several goroutines at once.
type State interface {
	// Alive reports whether the uploader answers.
	Alive(ctx context.Context) bool
	// NotReady says what the daemon still waits for; nothing means that it is ready.
	NotReady() []string
	// Remarks are what an operator should know of a daemon that is alive, such as directories whose
	// file system does not answer. If the daemon can do nothing because of them, it is not well.
	Remarks() (lines []string, well bool)
	// Metrics answers GET /metrics, for Prometheus.
	Metrics() http.Handler
	api.Daemon
}

// Settings say who may ask.
type Settings struct {
	Names []string       // by which requests may call this host, except its addresses and localhost
	Allow []netip.Prefix // who may connect; empty: everyone
	Token string         // that each request must have, as a bearer token; empty: none
	TLS   *Certificate   // nil: plain HTTP
	Media string         // the URL from which the page plays streams; empty: Store, or none
	Look  func()         // is called for each hint of a writer, and limits how often it acts; nil: hints are not taken
	Store Store          // from which this listener serves objects for the page's player; nil: none
}

const (
	aliveTimeout = 2 * time.Second
	readTimeout  = 5 * time.Second
	writeTimeout = 10 * time.Second
	idleTimeout  = 30 * time.Second
	stopTimeout  = time.Second
)

// Handler serves the API, the page, /metrics, /healthz and /readyz. The last two are 200 with "ok",
// or 503 with the reasons, a line each. A directory whose file system does not answer makes the
// daemon not ready. It is no reason to start the daemon again while other directories go on: then
// /healthz is 200 and names the directory.
func Handler(state State) http.Handler { return handler(state, Settings{}) }

func handler(state State, s Settings) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), aliveTimeout)
		defer cancel()
		remarks, well := state.Remarks()
		switch {
		case !state.Alive(ctx):
			answer(w, append([]string{"the uploader does not answer"}, remarks...))
		case !well:
			answer(w, remarks)
		default:
			answer(w, nil)
			remark(w, state)
		}
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		wrong := state.NotReady()
		answer(w, wrong)
		if len(wrong) == 0 { // what ails one stream does not make the others not ready
			remark(w, state)
		}
	})
	mux.Handle("GET /metrics", state.Metrics())
	mux.Handle("GET /debug/goroutines", &stackReader{})
	api.Register(mux, state)
	page.Register(mux, s.Media)
	if s.Store != nil {
		mux.HandleFunc("GET /play/{bucket}/{key...}", player(s.Store))
	}
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
func Serve(ctx context.Context, l net.Listener, s Settings, state State, log *slog.Logger) error {
	server := &http.Server{
		Handler: hinted(s.Look, guarded(s, handler(state, s))), MaxHeaderBytes: maxHeader,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// Who follows the changes is let go at the end, so that Shutdown does not wait for them.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	limits := listen.Limits{Allow: s.Allow, Loopback: maxLocal, PerSource: maxPerSource, Others: maxOthers}
	l = listen.New(l, limits, func(from, why string) {
		log.Debug("connection to the admin listener refused", "from", from, "why", why)
	})
	if s.TLS != nil {
		l = tls.NewListener(l, &tls.Config{GetCertificate: s.TLS.current, MinVersion: tls.VersionTLS12})
	}
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

// remark adds to a good answer what an operator should know.
func remark(w http.ResponseWriter, state State) {
	lines, _ := state.Remarks()
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
}
