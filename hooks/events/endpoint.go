// Package events takes in the media server's event notifications: an HTTP endpoint that answers at once, whatever happens
// behind it, puts the events back into their order, and passes them on.
//
// What events make happen is not its business. Nothing may depend on an event: the server sends each once, waits for
// nobody, and sends none again.
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
	"slices"
	"strings"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
)

// Settings say what is taken in.
type Settings struct {
	Path    string                // begins and ends with a slash; events are taken there, and at evowebservices.php in it
	Allow   []netip.Prefix        // who may post; empty: everybody
	Secret  string                // as the last part of the path, before evowebservices.php, or as ?secret=; empty: none
	MaxBody int64                 // bytes
	Wanted  func(typ string) bool // whether events of this type are passed on; nil: all are
}

const (
	maxConnections = 256
	maxHeader      = 16 << 10 // bytes
	readTimeout    = 5 * time.Second
)

// phpScript is where the PHP version of the older services was posted to.
const phpScript = "evowebservices.php"

// An Endpoint takes in events. Create it with New.
type Endpoint struct {
	settings Settings
	secret   [sha256.Size]byte
	line     *line
	counts   counts
	refused  *quiet
	log      *slog.Logger
}

// New returns an endpoint that calls handle with each event that is wanted: in the order of the ids as far as that is known,
// for one stream after the other, for several at once. A call should return soon: others wait behind it. look is called when
// events were lost, with the reason, at once or up to lookPause later; it must not block.
func New(s Settings, handle func(context.Context, Event), look func(reason string), log *slog.Logger) *Endpoint {
	e := &Endpoint{settings: s, secret: sha256.Sum256([]byte(s.Secret)), refused: newQuiet(log), log: log}
	e.line = newLine(s.Wanted, handle, look, &e.counts, log)
	return e
}

// Serve takes in events until ctx ends, and then waits for what is being handled.
func (e *Endpoint) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: e, ReadTimeout: readTimeout, WriteTimeout: readTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	server.SetKeepAlivesEnabled(false) // the server opens a connection for each event, and waits for its end
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return e.line.run(ctx) })
	parts.Go(func() error {
		if err := server.Serve(netutil.LimitListener(l, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
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

// ServeHTTP answers one request. Status and body mean nothing to the server, but an answer without a length leaves its
// connection open for ever.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Length", "0")
	status, why := e.take(w, r)
	if status != http.StatusOK {
		e.counts.refused.Add(1)
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		e.refused.warn("event refused", "from", from, "status", status, "why", why)
	}
	w.WriteHeader(status)
}

func (e *Endpoint) take(w http.ResponseWriter, r *http.Request) (status int, why string) {
	if !e.allowed(r.RemoteAddr) {
		return http.StatusForbidden, "this address is not in allow[] of [Hooks]"
	}
	if status, why := e.authorized(r); status != http.StatusOK {
		return status, why
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, "events are posted"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.settings.MaxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return http.StatusRequestEntityTooLarge, "it is longer than max_body of [Hooks]"
	}
	if err != nil {
		return http.StatusBadRequest, "it was cut short"
	}
	event, err := Decode(r.Header.Get("Content-Type"), body)
	if err != nil {
		e.counts.broken.Add(1)
		e.refused.warn("event is not understood", "err", err, "next", "the media server is looked at instead")
		if event.Type == "" {
			e.line.ask("an event that is not understood")
			return http.StatusOK, ""
		}
	}
	event.size = len(body) + overhead
	e.line.join(event)
	return http.StatusOK, ""
}

func (e *Endpoint) allowed(remote string) bool {
	if len(e.settings.Allow) == 0 {
		return true
	}
	from, err := netip.ParseAddrPort(remote)
	return err == nil && slices.ContainsFunc(e.settings.Allow, func(p netip.Prefix) bool {
		return p.Contains(from.Addr().Unmap().WithZone(""))
	})
}

// authorized looks at path and secret.
func (e *Endpoint) authorized(r *http.Request) (status int, why string) {
	rest, ok := strings.CutPrefix(r.URL.Path+"/", e.settings.Path)
	if !ok {
		return http.StatusNotFound, "events are taken at path of [Hooks]"
	}
	rest = strings.TrimSuffix(strings.Trim(rest, "/"), phpScript)
	given := strings.Trim(rest, "/")
	if e.settings.Secret == "" {
		if given != "" {
			return http.StatusNotFound, "events are taken at path of [Hooks]"
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

// inQuery returns the secret in a query. The server sends its query as the operator wrote it, where a + is a +.
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
