package hls

import "slices"

// WithGaps marks the segments that are lost with EXT-X-GAP: players go on to the next one and do not
// ask for them. Those at the head of the list are left out, since ExoPlayer stops at a gap there,
// and the numbers rise. It returns p itself if nothing is lost. If everything is lost, no segment is
// left.
//
// A playlist is continued first, and gets its gaps then: left out of the writer's playlist, they
// would be a hole behind the tail.
func (p *Playlist) WithGaps(lost func(uri string) bool) *Playlist {
	leading := 0
	for leading < len(p.Segments) && (p.Segments[leading].Gap || lost(p.Segments[leading].URI)) {
		leading++
	}
	// A gap that the writer has marked itself is no reason to touch its playlist.
	ours := slices.ContainsFunc(p.Segments[:leading], func(s Segment) bool { return !s.Gap })
	if !ours && !p.Continued {
		leading = 0
	}
	q := p.from(leading)
	shared := q == p || leading == 0
	for i := range q.Segments {
		s := &q.Segments[i]
		if s.Gap || !lost(s.URI) {
			continue
		}
		if shared {
			q = p.changed()
			q.Segments = slices.Clone(p.Segments)
			s, shared = &q.Segments[i], false
		}
		s.Gap = true
		s.text = q.line(tagGap) + s.text
	}
	return q
}
