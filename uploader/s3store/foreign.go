package s3store

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

// A foreignAnswer is an answer of a proxy, a captive portal or another web server. It says nothing
// about the object.
type foreignAnswer struct {
	operation string
	status    int
	content   string // what the answer is
	server    string // its header Server
	location  string // the scheme and host of a redirect
	page      string // the title of HTML, or the beginning of text
	sent      int64  // bytes of the request's body
	root      string // the root element of XML; "" is none
	wantsTLS  bool   // it says that the request must use TLS
}

// Kinds of content that a store does not send.
const (
	htmlPage  = "a page of HTML"
	jsonText  = "JSON"
	plainText = "text"
)

func (a answer) foreign(text []byte) *foreignAnswer {
	f := &foreignAnswer{
		operation: a.operation, status: a.StatusCode, sent: a.sent,
		content: kindOf(a.Header, text), server: cleaned(a.Header.Get("Server"), 60),
		wantsTLS: a.StatusCode == http.StatusBadRequest && plainHTTP.Match(text),
	}
	if a.StatusCode/100 == 3 {
		f.location = cleaned(locationOf(a.Header), 200)
	}
	f.root = rootOf(text)
	switch {
	case f.content == htmlPage:
		f.page = titleOf(text)
	case f.content == plainText:
		f.page = cleaned(string(text), 100)
	case f.content != "":
	case len(text) == 0 && a.operation == "HeadObject" && a.StatusCode/100 == 2:
		f.content = "headers that are not those of an object"
	case len(text) == 0 && a.operation == "HeadObject":
		f.content = "headers that are not a store's"
	case len(bytes.TrimSpace(text)) == 0:
		f.content = "an empty answer"
		if a.operation == "PutObject" || a.operation == "UploadPart" {
			f.content += " without an ETag"
		}
	default:
		f.content = fmt.Sprintf("XML with the root %q", cleaned(f.root, 60))
	}
	return f
}

func (f *foreignAnswer) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d, and not a store's answer: %s", f.status, f.content)
	if f.page != "" {
		fmt.Fprintf(&b, " %q", f.page)
	}
	if f.server != "" {
		fmt.Fprintf(&b, ", from a server that calls itself %s", f.server)
	}
	return b.String()
}

// kindOf returns the kind of content that a store does not send, or "".
func kindOf(h http.Header, text []byte) string {
	kind := strings.ToLower(h.Get("Content-Type"))
	text = bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff"))))
	starts := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if bytes.HasPrefix(text, []byte(p)) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.Contains(kind, "html") || starts("<!doctype html", "<html", "<head", "<body", "<title"):
		return htmlPage
	case strings.Contains(kind, "json") || starts("{", "["):
		return jsonText
	case len(text) > 0 && text[0] != '<':
		return plainText
	}
	return ""
}

// plainHTTP matches the answers of Go's server, nginx and Apache to HTTP on a port of TLS.
var plainHTTP = regexp.MustCompile(`(?i)HTTP request (was sent )?to (an )?(HTTPS|TLS|SSL)|plain HTTP`)

var title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

func titleOf(page []byte) string {
	m := title.FindSubmatch(page)
	if m == nil {
		return ""
	}
	return cleaned(html.UnescapeString(string(m[1])), 100)
}

// cleaned returns at most most characters of a text that others chose, on one line.
func cleaned(text string, most int) string {
	var b strings.Builder
	n, blank := 0, false
	for _, r := range text {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			blank = n > 0
			continue
		}
		if n >= most {
			return b.String() + "…"
		}
		if blank {
			b.WriteByte(' ')
			n, blank = n+1, false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
