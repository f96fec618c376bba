package hlscheck

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A parser reads one version. What it finds is in its judgement; it reads on after each finding, as
// far as the rest can be told.
type parser struct {
	judgement
	p        *Playlist
	next     Segment // what the tags before its URI say
	informed bool    // EXTINF has come
	pending  string  // the last tag that applies to the next segment
	partial  *uint64 // the length of the range whose offset follows from the segment before
	keys     []EncryptionKey
	section  *InitSection
	needs    map[int]string // the versions that are needed, and for what (7)
}

// Parse returns the version, and what is wrong with it by itself.
func Parse(content []byte) (*Playlist, []Finding) {
	p, j := parse(content)
	return p, j.of("", 0)
}

func parse(content []byte) (*Playlist, judgement) {
	r := &parser{judgement: judgement{}, p: &Playlist{Version: 1, has: map[string]bool{}}, needs: map[int]string{}}
	text := string(content)
	if !utf8.ValidString(text) || strings.HasPrefix(text, "\ufeff") {
		r.violation(Syntax, "it is not UTF-8 without a byte order mark")
	}
	for n, line := range strings.Split(text, "\n") {
		r.line(n, strings.TrimSuffix(line, "\r"))
	}
	r.end()
	return r.p, r.judgement
}

// line reads the n-th line, from 0.
func (r *parser) line(n int, line string) {
	if n == 0 && line != "#EXTM3U" {
		r.violation(Syntax, "it begins with %.20q instead of #EXTM3U", line)
	}
	if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }) {
		r.violation(Syntax, "line %d has a control character", n+1)
	}
	switch {
	case strings.HasPrefix(line, "#EXT") && n > 0:
		name, value, _ := strings.Cut(line[1:], ":")
		r.tag(name, value)
	case line != "" && !strings.HasPrefix(line, "#"):
		r.uri(line)
	}
}

// end looks at what all of the lines have said.
func (r *parser) end() {
	if r.pending != "" {
		r.violation(Syntax, "no segment follows the last %s", r.pending)
	}
	if !r.p.has["EXT-X-TARGETDURATION"] {
		r.violation(Syntax, "it has no EXT-X-TARGETDURATION")
	}
	for least, what := range r.needs {
		if r.p.Version < least {
			r.violation(Protocol, "the version is %d, and %s needs %d", r.p.Version, what, least)
		}
	}
	r.p.number()
	r.lengths()
}

// number counts the segments through.
func (p *Playlist) number() {
	seam := p.Seam
	for i := range p.Segments {
		seam += uint64(p.Segments[i].Seams)
		p.Segments[i].Number, p.Segments[i].Discontinuity = p.Sequence+uint64(i), seam
	}
}

func (r *parser) tag(name, value string) {
	switch name {
	case "EXTINF", "EXT-X-BYTERANGE", "EXT-X-DISCONTINUITY", "EXT-X-GAP", "EXT-X-PROGRAM-DATE-TIME":
		r.ofSegment(name, value)
	case "EXT-X-KEY":
		r.key(value)
	case "EXT-X-MAP":
		r.initSection(value)
	case "EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-DISCONTINUITY-SEQUENCE",
		"EXT-X-PLAYLIST-TYPE", "EXT-X-ENDLIST", "EXT-X-I-FRAMES-ONLY":
		r.ofAll(name, value)
	case "EXTM3U":
		r.violation(Syntax, "#EXTM3U comes twice")
	case "EXT-X-STREAM-INF", "EXT-X-MEDIA", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-SESSION-DATA", "EXT-X-SESSION-KEY":
		r.violation(Syntax, "%s is of a Multivariant Playlist", name)
	case "EXT-X-SKIP", "EXT-X-DEFINE", "EXT-X-PART", "EXT-X-PRELOAD-HINT":
		r.note(Unknown, "it does not know %s", name)
	}
}

// ofAll reads a tag that applies to the whole playlist.
func (r *parser) ofAll(name, value string) {
	if r.p.has[name] {
		r.violation(Syntax, "%s comes twice", name)
	}
	r.p.has[name] = true
	switch name {
	case "EXT-X-VERSION":
		r.p.Version = int(r.integer(name, value))
	case "EXT-X-TARGETDURATION":
		r.p.Target = time.Duration(r.integer(name, value)) * time.Second
	case "EXT-X-MEDIA-SEQUENCE":
		r.p.Sequence = r.integer(name, value)
		r.early(name, len(r.p.Segments) > 0)
	case "EXT-X-DISCONTINUITY-SEQUENCE":
		r.p.Seam = r.integer(name, value)
		r.early(name, len(r.p.Segments) > 0 || r.next.Seams > 0)
	case "EXT-X-PLAYLIST-TYPE":
		if r.p.Type = value; value != "EVENT" && value != "VOD" {
			r.violation(Syntax, "the playlist type is %q", value)
		}
	case "EXT-X-ENDLIST":
		r.p.Ended = true
	case "EXT-X-I-FRAMES-ONLY":
		r.needs[4] = name
	}
}

// lengths compares each segment with the target duration, to which EMS and others round up.
func (r *parser) lengths() {
	for _, s := range r.p.Segments {
		if s.Duration.Round(time.Second) > r.p.Target {
			r.violation(Long, "%s lasts %v, and the target duration is %v", s.URI, s.Duration, r.p.Target)
		}
	}
}

// early notes a tag that must stand before all segments (4.3.3.2, 4.3.3.3).
func (r *parser) early(name string, late bool) {
	if late {
		r.violation(Syntax, "%s comes after a segment or a seam", name)
	}
}

func (r *parser) integer(name, value string) uint64 {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		r.violation(Syntax, "%s is %q", name, value)
	}
	return n
}

// uri reads the line that ends a segment.
func (r *parser) uri(line string) {
	s := r.next
	s.URI = line
	s.Keys, s.Map = slices.Clone(r.keys), r.section
	if !r.informed {
		r.violation(Syntax, "%s has no EXTINF", line)
	}
	if r.partial != nil {
		var before Segment
		if n := len(r.p.Segments); n > 0 {
			before = r.p.Segments[n-1]
		}
		if before.URI != s.URI || before.Range == (Range{}) {
			r.violation(Syntax, "the byte range of %s has no offset, and none before it", line)
		}
		s.Range.Offset = before.Range.Offset + before.Range.Length
	}
	r.p.Segments = append(r.p.Segments, s)
	r.next, r.informed, r.pending, r.partial = Segment{}, false, "", nil
}
