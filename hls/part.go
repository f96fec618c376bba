package hls

import (
	"slices"
	"strings"
)

// A part of a playlist is a list that begins with another segment. What the lines of the segments
// before had set must be stated there.

// headed returns segment k as the first one of a list.
func (p *Playlist) headed(k int) Segment {
	s := p.Segments[k]
	if k == 0 {
		return s
	}
	s.stand(nil, p.Segments[k-1].effect, p.eol)
	if s.date == "" && s.Discontinuities == 0 {
		if s.date = p.dateAt(k); s.date != "" {
			s.text = p.line(tagDate, ":", s.date) + s.text
		}
	}
	return s
}

// stand changes the lines of a segment so that it can stand where have is in effect. They were
// written for a place where before was, behind another segment.
func (s *Segment) stand(have, before *effect, eol string) {
	s.text = restated(have, before, s.effect, s.text, eol) + s.text
	if s.follows {
		s.text, s.follows = withOffset(s.text, s.Range), false
	}
	s.noted(have)
}

// noted finds out again what the lines of the segment set.
func (s *Segment) noted(have *effect) {
	s.marks = 0
	for line := range lines(s.text) {
		if tag, _ := tagOf(line); tag == tagKey || tag == tagMap {
			s.marks++
		}
	}
	s.effect = have.afterAll(s.text)
}

// withOffset returns text with the offset of its byte range stated.
func withOffset(text string, r Range) string {
	var b strings.Builder
	for line := range lines(text) {
		if tag, value := tagOf(line); tag == tagRange && !strings.Contains(value, "@") {
			line = tag + ":" + value + "@" + uint64String(r.Offset) + ending(line)
		}
		b.WriteString(line)
	}
	return b.String()
}

// from returns the playlist without its first k segments.
func (p *Playlist) from(k int) *Playlist {
	if k == 0 {
		return p
	}
	q := p.changed()
	if k == len(p.Segments) {
		q.Segments, q.foot = nil, ""
		q.DiscontinuitySequence = p.discontinuity(k - 1)
	} else {
		q.Segments = slices.Clone(p.Segments[k:])
		q.Segments[0] = p.headed(k)
		q.DiscontinuitySequence = p.discontinuity(k - 1)
	}
	q.Sequence += uint64(k)
	if q.Run <= q.Sequence {
		q.Run = 0
	}
	return q
}

// Cut returns the segments with the numbers from to to, both included, as a playlist of type VOD: a
// clip. Numbers stay as they are. Gaps at its beginning are left out, and so is EXT-X-START, which
// is about the whole. It returns nil if no segment is left.
func (p *Playlist) Cut(from, to uint64) *Playlist {
	from = max(from, p.Sequence)
	if to = min(to, p.Last()); from > to || len(p.Segments) == 0 {
		return nil
	}
	first, end := int(from-p.Sequence), int(to-p.Sequence)+1
	for first < end && p.Segments[first].Gap {
		first++
	}
	if first == end {
		return nil
	}
	q := *p
	q.Segments = p.Segments[:end]
	c := q.from(first)
	if c == &q {
		c = q.changed()
	}
	c.Type, c.Ended, c.end = vod, true, tagEnd+c.eol
	c.Continued, c.Offset, c.Run, c.foot = false, 0, 0, ""
	c.head = without(c.head, tagStart)
	return c
}

func without(head []string, tag string) []string {
	return slices.DeleteFunc(slices.Clone(head), func(line string) bool {
		t, _ := tagOf(line)
		return t == tag
	})
}

func has(head []string, tag string) bool {
	return slices.ContainsFunc(head, func(line string) bool {
		t, _ := tagOf(line)
		return t == tag
	})
}
