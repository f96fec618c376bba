package config

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const mask = "***"

// Secret is a string that no way of printing or marshalling shows; only Reveal does.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns "***", or nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString is String: %#v must not show more.
func (s Secret) GoString() string { return s.String() }

// Format writes String for every verb: %x of a secret is a secret, too.
func (s Secret) Format(f fmt.State, verb rune) { format(f, verb, s.String()) }

// LogValue keeps the secret out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the secret out of JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// URI is an address that may carry credentials, as in rtmp://user:password@host/app. It prints
// without them; only Reveal returns it whole.
type URI string

// Reveal returns the address with its credentials.
func (u URI) Reveal() string { return string(u) }

// String returns the address without user, password and query.
func (u URI) String() string { return redactURI(string(u)) }

// GoString is String: %#v must not show more.
func (u URI) GoString() string { return u.String() }

// Format writes String for every verb.
func (u URI) Format(f fmt.State, verb rune) { format(f, verb, u.String()) }

// LogValue keeps the credentials out of logs.
func (u URI) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText keeps the credentials out of JSON and its like.
func (u URI) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// The structs to which there are pointers need a Format, too: for a verb that does not fit a pointer, as
// in Printf("%s", cfg), fmt prints what it points to without asking any method below.

// Format writes the config with its secrets masked, for every verb.
func (c Config) Format(f fmt.State, _ rune) {
	type plain Config
	_, _ = fmt.Fprintf(f, "%+v", plain(c))
}

// Format writes the router with its secrets masked, for every verb.
func (r Router) Format(f fmt.State, _ rune) {
	type plain Router
	_, _ = fmt.Fprintf(f, "%+v", plain(r))
}

// Format writes the balancer with its secrets masked, for every verb.
func (b Balancer) Format(f fmt.State, _ rune) {
	type plain Balancer
	_, _ = fmt.Fprintf(f, "%+v", plain(b))
}

// format honours %q and leaves width and flags aside.
func format(w io.Writer, verb rune, shown string) {
	if verb == 'q' {
		shown = fmt.Sprintf("%q", shown)
	}
	_, _ = io.WriteString(w, shown)
}

// redactURI hides what may be a credential. It does not parse: the address may be malformed, and a
// password may hold any character, so that everything up to the last @ goes.
func redactURI(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case !ok:
		scheme, rest = "", s
	case strings.ContainsFunc(scheme, notInScheme):
		scheme, rest = "", s // user:pass://word@host has no scheme
	default:
		scheme += "://"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = mask + rest[at:]
	}
	if before, _, query := strings.Cut(rest, "?"); query {
		rest = before + "?" + mask
	}
	return scheme + rest
}

func notInScheme(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '-' && r != '.'
}

// redactValue is redactURI for a value of any key: an address may have got into the wrong one.
func redactValue(s string) string {
	if strings.Contains(s, "@") || strings.Contains(s, "://") {
		return redactURI(s)
	}
	return s
}
