package config

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minHidden is the length from which a secret is looked for in other texts, in bytes: a shorter one
// would hide parts of words.
const minHidden = 4

// anyURL matches URLs, and what is like one, in a text or in JSON. A password may have a ' in it, but
// no ", < or >.
var anyURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"<>]+`)

// bearer matches tokens in headers.
var bearer = regexp.MustCompile(`(?i)(bearer|basic) +[A-Za-z0-9._~+/=-]{4,}`)

// Hide returns a text without the secrets of the config, without those that are given, and without
// users, passwords and queries of URLs: for texts that others wrote, which may cite them.
func (c *Config) Hide(text string, more ...string) string {
	known := more
	if c != nil && c.secrets != nil {
		known = append(c.secrets(), more...)
	}
	var pairs []string
	for _, form := range forms(known) {
		pairs = append(pairs, form, mask)
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	return bearer.ReplaceAllString(HideURLs(text), "${1} "+mask)
}

// HideURLs returns a text without the user, password and query of each URL in it.
func HideURLs(text string) string {
	return anyURL.ReplaceAllStringFunc(text, func(uri string) string {
		bare := strings.TrimRight(uri, "'") // that closes a citation
		return redactURI(bare) + uri[len(bare):]
	})
}

// forms returns how secrets may be written, the longest first.
func forms(secrets []string) (all []string) {
	for _, s := range secrets {
		if len(s) < minHidden {
			continue
		}
		asJSON, _ := json.Marshal(s) // a string always has a form
		all = append(all, s, strings.Trim(string(asJSON), `"`), strings.Trim(strconv.Quote(s), `"`),
			url.QueryEscape(s), url.PathEscape(s))
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// hideLater notes what is secret in a value.
func (d *decoder) hideLater(k key, value string) {
	if k.secret {
		d.hidden = append(d.hidden, value)
		return
	}
	_, rest, isURL := strings.Cut(value, "://")
	if !isURL {
		rest = value
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user := rest[:at]
		_, password, _ := strings.Cut(user, ":")
		d.hidden = append(d.hidden, user, password)
		if plain, err := url.PathUnescape(password); err == nil {
			d.hidden = append(d.hidden, plain)
		}
	}
	if _, query, ok := strings.Cut(rest, "?"); ok && isURL {
		d.hidden = append(d.hidden, query)
		for part := range strings.SplitSeq(query, "&") {
			_, value, _ := strings.Cut(part, "=")
			d.hidden = append(d.hidden, value)
		}
	}
}

// allSecrets returns the secrets of the file, and those of the files that it names.
func (d *decoder) allSecrets(cfg *Config) func() []string {
	secrets := append(slices.Clone(d.hidden), cfg.Admin.Token.Reveal())
	for _, u := range cfg.Uploads {
		secrets = append(secrets, u.SecretKey.Reveal())
	}
	// A function: fmt shows what it points to in no way.
	return func() []string { return slices.Clone(secrets) }
}
