package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"ems-sidecar/admin/page"
	"ems-sidecar/internal/listen"
)

// guarded lets requests through to next that may see its answers. With a token, these are those
// that have it. Without one, nothing can be changed: any program of any user of this host may ask. A
// page in a browser on this host could ask, too: under a name of its own that it has resolved to this
// host (DNS rebinding), or from another origin.
func guarded(s Settings, next http.Handler) http.Handler {
	token := sha256.Sum256([]byte(s.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Server", listen.Server)
		switch {
		case s.Token != "" && page.Has(r.URL.Path): // it asks for the token, and has no secret
		case s.Token != "":
			given := sha256.Sum256([]byte(bearer(r)))
			if subtle.ConstantTimeCompare(given[:], token[:]) != 1 {
				w.Header().Set("WWW-Authenticate", "Bearer")
				http.Error(w, "the token of [Admin] is missing or wrong", http.StatusUnauthorized)
				return
			}
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, "a request that changes something needs the token of [Admin], and the config has none: "+
				"set token_file there", http.StatusForbidden)
			return
		case !names(r.Host, s):
			http.Error(w, "ask for an address of this host, or for its name", http.StatusMisdirectedRequest)
			return
		case !sameOrigin(r):
			http.Error(w, "pages of other origins may not ask", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bearer is the token that a request has (RFC 6750, section 2.1).
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// names reports whether host is one that stands for this listener. That of an address is: no page
// has an address for its name unless it comes from there.
func names(host string, s Settings) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	host = strings.TrimSuffix(host, ".")
	if host == "" || strings.EqualFold(host, "localhost") { // a browser sends its page's name always
		return true
	}
	if slices.ContainsFunc(s.Names, func(n string) bool { return strings.EqualFold(n, host) }) {
		return true
	}
	return s.TLS != nil && s.TLS.covers(host)
}

// sameOrigin reports whether a request comes from no page, or from one of this listener. Browsers
// send an Origin with what scripts ask elsewhere, and Sec-Fetch-Site with everything.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(u.Host, r.Host) || u.Host == "" {
			return false
		}
	}
	return true
}
