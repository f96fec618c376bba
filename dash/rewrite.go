package dash

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"html"
	"strings"
)

var (
	// uriElements have a URI as their text.
	uriElements = map[string]bool{"BaseURL": true, "Location": true, "PatchLocation": true, "ContentSteering": true}
	// uriAttributes have a URI, or a template for some, as their value.
	uriAttributes = map[string]map[string]bool{
		"SegmentTemplate": {"media": true, "index": true, "initialization": true, "bitstreamSwitching": true},
		"SegmentURL":      {"media": true, "index": true},
		"Initialization":  {"sourceURL": true}, "RepresentationIndex": {"sourceURL": true},
		"BitstreamSwitching": {"sourceURL": true},
	}
)

// RewriteURIs returns an MPD with other URIs: rewrite is called for each. All else stays as it is
// written. If nothing changes, it is text itself.
func RewriteURIs(text []byte, rewrite func(uri string) string) ([]byte, error) {
	e, s := editor{text: text}, scanner{text: text}
	opened := "" // an element whose text is a URI
	begin := 0
	for {
		t, err := s.next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("MPD: %w", err)
		case t == nil && len(e.changes) == 0:
			return text, nil
		case t == nil:
			return e.bytes(), nil
		}
		if t.closes && !t.opens && opened == t.name {
			e.rewrite(begin, t.from, rewrite)
		}
		if opened = ""; t.opens && !t.closes && uriElements[t.name] {
			opened, begin = t.name, t.to
		}
		for _, a := range t.attrs {
			if uriAttributes[t.name][a.name] || strings.HasSuffix(a.name, ":href") {
				e.rewrite(a.from, a.to, rewrite)
			}
		}
	}
}

// rewrite changes the URI that the text has from one byte to another.
func (e *editor) rewrite(from, to int, rewrite func(uri string) string) {
	was := string(e.text[from:to])
	if inner, ok := strings.CutPrefix(strings.TrimSpace(was), "<![CDATA["); ok {
		was = html.EscapeString(strings.TrimSuffix(inner, "]]>"))
	}
	uri := strings.TrimSpace(html.UnescapeString(was))
	if other := rewrite(uri); other != uri {
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(other)) // a buffer takes all
		e.changes = append(e.changes, change{from, to, b.String()})
	}
}
