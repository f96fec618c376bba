package config

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const mask = "***"

// Secret is a string that no way of printing or marshalling shows. Only Reveal does.
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

// The structs that are used by pointer need a Format, too: for a verb that does not fit a pointer,
// as in Printf("%s", cfg), fmt prints what it points to, and calls none of the methods of its
// fields.

// Format writes the config with its secrets masked, for every verb.
func (c Config) Format(f fmt.State, _ rune) {
	type plain Config
	c.settings = nil // they would repeat it
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

// format supports %q, and ignores width and flags.
func format(w io.Writer, verb rune, shown string) {
	if verb == 'q' {
		shown = fmt.Sprintf("%q", shown)
	}
	_, _ = io.WriteString(w, shown)
}

// redactURI hides what may be a credential. It does not parse, since the address may be malformed
// and a password may have any character in it: everything up to the last @ is left out.
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
	return !isAlphanumeric(r) && r != '+' && r != '-' && r != '.'
}

// redactValue is redactURI for the value of any key: an address may be at the wrong one.
func redactValue(s string) string {
	if strings.Contains(s, "@") || strings.Contains(s, "://") {
		return redactURI(s)
	}
	return s
}
