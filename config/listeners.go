package config

import (
	"net/netip"
	"slices"
	"strings"

	"ems-sidecar/internal/listen"
)

// check reports a listener that accepts events from everyone. An event is only a hint, but it makes
// work, so that anyone who may post can keep the daemon busy.
func (h *Hooks) check(d *decoder) {
	if listen.Local(h.Listen) || h.Secret != "" || limited(h.Allow) ||
		d.wrong("Hooks", "secret") || d.wrong("Hooks", "allow") {
		return
	}
	d.bad("Hooks", "listen", h.Listen, "lets everyone who reaches this host post events: "+
		"set allow[] to the addresses of the media servers, or a secret, or listen on 127.0.0.1")
}

// limited reports whether the networks exclude anyone.
func limited(networks []netip.Prefix) bool {
	everyone := func(p netip.Prefix) bool { return p.Bits() == 0 }
	return len(networks) > 0 && !slices.ContainsFunc(networks, everyone)
}

// check reads the token from its file, and reports a listener that other hosts reach and that has
// neither TLS nor a token.
func (a *Admin) check(d *decoder) {
	defer func() { a.tokenFile = "" }() // fmt shows fields that are not exported
	d.pair(half{"Admin", "tls_cert", a.TLSCert != ""}, half{"Admin", "tls_key", a.TLSKey != ""})
	switch {
	case a.tokenFile == "":
	case a.Token != "":
		d.bad("Admin", "token_file", shownPath(a.tokenFile.Reveal()),
			"is set beside token: remove one of the two")
	default:
		var want string
		if a.Token, want = readSecret(a.tokenFile.Reveal()); want == "" {
			a.Token, want = bearerToken(a.Token.Reveal())
		}
		if want != "" {
			d.bad("Admin", "token_file", shownPath(a.tokenFile.Reveal()), want)
		}
	}
	if a.Listen == "" || listen.Local(a.Listen) || a.Token != "" || a.TLSCert != "" {
		return
	}
	for _, key := range []string{"tls_cert", "tls_key", "token", "token_file"} {
		if d.wrong("Admin", key) {
			return
		}
	}
	d.bad("Admin", "listen", a.Listen, "is reached by other hosts, without TLS and without a token: "+
		"set tls_cert and tls_key, or token, or listen on 127.0.0.1")
}

// bearerToken parses what an HTTP header may have as a token (RFC 6750, section 2.1).
func bearerToken(value string) (Secret, string) {
	if strings.Trim(strings.TrimRight(value, "="), bearerCharacters) != "" || value == "" || value[0] == '=' {
		return "", "may have letters, digits and . _ ~ + / - only, and = at its end"
	}
	return Secret(value), ""
}

const bearerCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~+/-"
