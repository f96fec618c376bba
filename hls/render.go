package hls

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Bytes returns the playlist: the very bytes that were parsed if nothing was changed.
func (p *Playlist) Bytes() []byte {
	if p.raw != nil {
		return p.raw
	}
	head := p.header()
	n := len(head) + len(p.foot) + len(p.end)
	for i := range p.Segments {
		n += len(p.Segments[i].text)
	}
	b := make([]byte, 0, n)
	b = append(b, head...)
	for i := range p.Segments {
		b = append(b, p.Segments[i].text...)
	}
	b = append(b, p.foot...)
	return append(b, p.end...)
}

// losesSeams reports whether segments that leave take EXT-X-DISCONTINUITY tags with them. The
// playlist must state its discontinuity sequence then, even 0 (RFC 8216, section 6.2.2).
func (p *Playlist) losesSeams() bool {
	return p.Rolling() && slices.ContainsFunc(p.Segments, func(s Segment) bool { return s.Discontinuities > 0 })
}

// header returns the lines before the first segment. Those whose value is still right stay as they
// were written.
func (p *Playlist) header() string {
	// Each tag whose value the fields have, and whether it must be stated.
	stated := []struct {
		tag, value string
		must       bool
	}{
		{tagVersion, strconv.Itoa(p.Version), p.Version > 1},
		{tagType, p.Type, p.Type != ""},
		{tagTarget, p.target, p.target != ""},
		{tagSequence, strconv.FormatUint(p.Sequence, 10), p.Sequence > 0},
		{tagNumber, strconv.FormatUint(p.DiscontinuitySequence, 10), p.DiscontinuitySequence > 0 || p.losesSeams()},
	}
	var b strings.Builder
	missing := ""
	for _, line := range p.head {
		tag, value := tagOf(line)
		for i := range stated {
			s := &stated[i]
			if s.tag == tag {
				if s.value != "" && strings.TrimLeft(s.value, "0") != strings.TrimLeft(value, "0") {
					line = tag + ":" + s.value + ending(line)
				}
				s.must = false
			}
		}
		b.WriteString(line)
	}
	for _, s := range stated {
		if s.must {
			missing += p.line(s.tag, ":", s.value)
		}
	}
	b.WriteString(missing)
	if p.Continued {
		ours := fmt.Sprintf("%soffset=%d", ourLine, p.Offset)
		if p.Run > 0 {
			ours += fmt.Sprintf(" run=%d", p.Run)
		}
		b.WriteString(p.line(ours))
	}
	return b.String()
}
