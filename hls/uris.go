package hls

import (
	"iter"
	"strings"
)

// URIs yields those of the segments, keys and maps, which may come more than once.
func (p *Playlist) URIs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range p.Segments {
			s := &p.Segments[i]
			if !yield(s.URI) {
				return
			}
			for _, k := range s.Keys() {
				if k.URI != "" && !yield(k.URI) {
					return
				}
			}
			if m := s.Map(); m != nil && !yield(m.URI) {
				return
			}
		}
	}
}

// WithURIs returns the playlist with all URIs rewritten that belong to the media: those of segments,
// keys and maps.
func (p *Playlist) WithURIs(rewrite func(uri string) string) *Playlist {
	q := p.changed()
	q.Segments = make([]Segment, len(p.Segments))
	var now *effect
	for i, s := range p.Segments {
		uri := s.URI
		s.URI = rewrite(uri)
		if s.marks == 0 && strings.HasSuffix(trimmed(s.text), uri) {
			// Most segments: the URI is the last line.
			end := trimmed(s.text)
			s.text = end[:len(end)-len(uri)] + s.URI + s.text[len(end):]
		} else {
			s.text = withURIs(s.text, rewrite)
		}
		if s.marks > 0 {
			now = now.afterAll(s.text)
		}
		s.effect = now
		q.Segments[i] = s
	}
	q.foot = withURIs(p.foot, rewrite)
	return q
}

func withURIs(text string, rewrite func(uri string) string) string {
	var b strings.Builder
	for line := range lines(text) {
		text := trimmed(line)
		body := body(line)
		indent := text[:len(text)-len(body)]
		switch tag, value, _ := strings.Cut(body, ":"); {
		case tag == tagKey || tag == tagMap:
			for name, a := range attributes(value) {
				if name == "URI" {
					at := len(tag) + 1 + a.at
					body = body[:at] + `"` + rewrite(a.unquoted()) + `"` + body[at+len(a.text):]
					break
				}
			}
		case body != "" && body[0] != '#':
			body = rewrite(body)
		}
		b.WriteString(indent + body + ending(line))
	}
	return b.String()
}
