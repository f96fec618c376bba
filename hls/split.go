package hls

import (
	"slices"
	"strings"
)

// SplitRanges returns the playlist with each byte range as a file of its own, whose URI name tells:
// segments and maps lose their ranges. It returns p itself if p has no ranges, or lists I-frames,
// whose ranges are of files that other playlists list as a whole.
func (p *Playlist) SplitRanges(name func(uri string, r Range) string) *Playlist {
	ranged := func(s Segment) bool { return s.Range.Length > 0 || s.Map() != nil && s.Map().Range.Length > 0 }
	keyFrames := slices.ContainsFunc(p.head, func(line string) bool { tag, _ := tagOf(line); return tag == tagFrames })
	if keyFrames || !slices.ContainsFunc(p.Segments, ranged) {
		return p
	}
	q := p.changed()
	q.Segments = make([]Segment, len(p.Segments))
	var now *effect
	for i, s := range p.Segments {
		if s.Range.Length > 0 || s.marks > 0 {
			s.URI, s.text = splitSegment(s, name)
			s.Range, s.follows = Range{}, false
		}
		if s.marks > 0 {
			now = now.afterAll(s.text)
		}
		s.effect = now
		q.Segments[i] = s
	}
	return q
}

// splitSegment returns the URI and the lines of s without byte ranges.
func splitSegment(s Segment, name func(uri string, r Range) string) (uri, text string) {
	var b strings.Builder
	uri = s.URI
	if s.Range.Length > 0 {
		uri = name(s.URI, s.Range)
	}
	for line := range lines(s.text) {
		tag, value := tagOf(line)
		switch content := body(line); {
		case tag == tagRange:
			continue
		case tag == tagMap:
			if m := (*effect)(nil).withMap(tag, value).init; m != nil && m.Range.Length > 0 {
				line = tag + `:URI="` + name(m.URI, m.Range) + `"` + ending(line)
			}
		case content == s.URI:
			line = uri + ending(line)
		}
		b.WriteString(line)
	}
	return uri, b.String()
}
