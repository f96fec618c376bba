package hls

import (
	"bytes"
	"strings"

	"ems-sidecar/media"
)

// uriAttributes are the attributes whose values are URIs, in tags of both kinds of playlists.
var uriAttributes = map[string]bool{"URI": true, "SERVER-URI": true, "X-ASSET-URI": true, "X-ASSET-LIST": true}

// RewriteURIs returns a playlist of either kind with other URIs: rewrite is called for each, with the
// values of its variables. What it returns unchanged stays as it is written, and so does all else.
// If nothing changes, it is content itself.
func RewriteURIs(content []byte, rewrite func(uri string) string) []byte {
	w := uriRewriter{rewrite: rewrite, variables: media.NewVariables(len(content))}
	var b bytes.Buffer
	for at := 0; at < len(content); {
		end := len(content)
		if i := bytes.IndexAny(content[at:], "\r\n"); i >= 0 {
			end = at + i + 1
		}
		b.WriteString(w.line(string(content[at:end])))
		at = end
	}
	if !w.changed {
		return content
	}
	return b.Bytes()
}

type uriRewriter struct {
	rewrite   func(uri string) string
	variables media.Variables
	changed   bool
}

// line returns a line with other URIs.
func (w *uriRewriter) line(line string) string {
	text := body(line)
	indent, end := line[:strings.Index(line, text)], ending(line)
	tag, value, ok := strings.Cut(text, ":")
	switch {
	case text == "":
		return line
	case text[0] != '#':
		return indent + w.uri(text) + end
	case tag == "#EXT-X-DEFINE":
		w.variables.Define(value)
		return line
	case ok && strings.HasPrefix(tag, "#EXT-X-"):
		return indent + tag + ":" + w.list(value) + end
	}
	return line
}

// list returns an attribute list with other URIs.
func (w *uriRewriter) list(list string) string {
	var b strings.Builder
	at := 0
	for name, a := range attributes(list) {
		if !uriAttributes[name] || !strings.HasPrefix(a.text, `"`) {
			continue
		}
		b.WriteString(list[at:a.at] + `"` + w.uri(strings.Trim(a.text, `"`)) + `"`)
		at = a.at + len(a.text)
	}
	return b.String() + list[at:]
}

func (w *uriRewriter) uri(uri string) string {
	plain, known, err := w.variables.Expand(uri)
	if err != nil || !known {
		return uri
	}
	other := w.rewrite(plain)
	if other == plain {
		return uri
	}
	w.changed = true
	return other
}
