// Package events receives the media server's event notifications: an HTTP endpoint answers at once,
// puts the events back into their order, and passes them on.
//
// It does not know what events are good for. Nothing may depend on an event: the server sends each
// once, does not wait, and sends none again.
package events

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/internal/listen"
	"ems-sidecar/internal/trouble"
)

// Settings say which requests are events, and who may send them.
type Settings struct {
	Path    string            // begins and ends with a slash; events are received there, and at evowebservices.php in it
	Allow   []netip.Prefix    // who may connect; empty: everyone
	Secret  string            // as the last part of the path, before evowebservices.php, or as ?secret=; empty: none
	MaxBody int64             // bytes
	Wanted  func(Type) bool   // whether events of this type are passed on; nil: all are
	Trouble *trouble.Reporter // whose Sweep the caller calls; nil: one of its own
}

// phpScript is where the PHP version of the older services was posted to.
const phpScript = "evowebservices.php"

// An Endpoint receives events. Create it with New.
type Endpoint struct {
	settings Settings
	secret   [sha256.Size]byte
	line     *line
	counts   counts
	trouble  *trouble.Reporter
	large    chan struct{} // holds one for each large body that is being read
	log      *slog.Logger
}

// New returns an endpoint that calls handle with each event that is wanted: in the order of the ids
// as far as that is known, for several streams at once, for each stream one after the other. A call
// should return soon: others wait for it. look is called when events were lost, with the reason, at
// once or up to lookPause later; it must not block.
func New(s Settings, handle func(context.Context, Event), look func(reason string), log *slog.Logger) *Endpoint {
	e := &Endpoint{
		settings: s, secret: sha256.Sum256([]byte(s.Secret)), trouble: s.Trouble,
		large: make(chan struct{}, maxLarge), log: log,
	}
	if e.trouble == nil {
		e.trouble = trouble.New(log, time.Now)
	}
	e.line = newLine(s.Wanted, handle, look, &e.counts, e.trouble)
	return e
}

// Serve receives events until ctx ends, and then waits for what is being handled. Who may not
// connect to l is turned away before a byte is read.
func (e *Endpoint) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: e, ReadTimeout: readTimeout, WriteTimeout: readTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	server.SetKeepAlivesEnabled(false) // the server opens a connection for each event, and waits for its end
	limits := listen.Limits{
		Allow: e.settings.Allow, Loopback: maxLocal, Patient: true, PerSource: maxPerSource, Others: maxOthers,
	}
	l = listen.New(l, limits, func(from, why string) {
		e.trouble.Report(connectionRefused, nowhere, "from", from, "why", why)
	})
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return e.line.run(ctx) })
	parts.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	parts.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			return server.Close()
		}
		return nil
	})
	return parts.Wait()
}

// ServeHTTP answers one request. Status and body mean nothing to the server, but an answer without
// a length leaves its connection open for ever.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Length", "0")
	status, why := e.take(w, r)
	if status != http.StatusOK {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		e.trouble.Report(eventRefused, nowhere, "from", from, "status", status, "why", why)
	} else {
		w.Header().Set("Server", listen.Server)
	}
	w.WriteHeader(status)
}

func (e *Endpoint) take(w http.ResponseWriter, r *http.Request) (status int, why string) {
	if status, why := e.authorized(r); status != http.StatusOK {
		return status, why
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, "events are posted"
	}
	body, status, why := e.read(w, r)
	if status != http.StatusOK {
		return status, why
	}
	event, err := Decode(r.Header.Get("Content-Type"), body)
	if err != nil {
		e.trouble.Report(eventBroken, nowhere, "err", err, "next", "the media server is asked instead")
		if event.Type == "" {
			e.line.ask("an event that is not understood")
			return http.StatusOK, ""
		}
	}
	event.size = len(body) + overhead
	e.line.join(event)
	return http.StatusOK, ""
}

// read returns the body. Many large ones at once would take the memory that the uploads need.
func (e *Endpoint) read(w http.ResponseWriter, r *http.Request) (body []byte, status int, why string) {
	if r.ContentLength < 0 || r.ContentLength > largeBody {
		select {
		case e.large <- struct{}{}:
			defer func() { <-e.large }()
		default:
			e.line.ask("an event was refused")
			// The answer goes out at once. Without this, the rest of the body would be waited for.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now())
			return nil, http.StatusServiceUnavailable, "too many large events at once"
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.settings.MaxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return nil, http.StatusRequestEntityTooLarge, "it is longer than max_body of [Hooks]"
	}
	if err != nil {
		return nil, http.StatusBadRequest, "it was cut short"
	}
	return body, http.StatusOK, ""
}

// authorized looks at path and secret.
func (e *Endpoint) authorized(r *http.Request) (status int, why string) {
	rest, ok := strings.CutPrefix(r.URL.Path+"/", e.settings.Path)
	if !ok {
		return http.StatusNotFound, "events are to be posted to path of [Hooks]"
	}
	rest = strings.TrimSuffix(strings.Trim(rest, "/"), phpScript)
	given := strings.Trim(rest, "/")
	if e.settings.Secret == "" {
		if given != "" {
			return http.StatusNotFound, "events are to be posted to path of [Hooks]"
		}
		return http.StatusOK, ""
	}
	if given == "" {
		given = inQuery(r.URL.RawQuery)
	}
	sum := sha256.Sum256([]byte(given))
	if subtle.ConstantTimeCompare(sum[:], e.secret[:]) != 1 {
		return http.StatusUnauthorized, "the secret is missing or wrong"
	}
	return http.StatusOK, ""
}

// inQuery returns the secret in a query. The server sends its query as the operator wrote it, where
// a + is a +.
func inQuery(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(pair, "secret="); ok {
			if decoded, err := url.PathUnescape(value); err == nil {
				return decoded
			}
			return value
		}
	}
	return ""
}
