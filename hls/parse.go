package hls

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ems-sidecar/media"
)

// ErrSet is returned for a playlist that names playlists: a Multivariant, or Master, Playlist.
var ErrSet = errors.New("it is a Multivariant Playlist")

// A FixedError is about a playlist that can only be published as it is.
type FixedError struct{ Tag string }

func (e *FixedError) Error() string { return "a playlist with " + e.Tag + " cannot be rewritten" }

// Parse reads a Media Playlist. It keeps what it does not know. It returns [ErrSet] for a playlist
// of playlists, a [FixedError] for one that cannot be rewritten, and an error that wraps
// [media.ErrIncomplete] for one that may be cut short.
func Parse(b []byte) (*Playlist, error) {
	r := reader{p: &Playlist{Version: 1, writing: writing{raw: b, eol: "\n"}}}
	text := string(bytes.TrimPrefix(b, []byte("\ufeff")))
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("playlist is empty: %w", media.ErrIncomplete)
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n" // whether it may be cut short is for its reader to find out: [media.Manifest.Unended]
	}
	if lone := strings.Count(text, "\r") - strings.Count(text, "\r\n"); lone > 0 {
		return nil, &FixedError{"CR as a line end"}
	}
	first, ok := header(text)
	if !ok {
		return nil, errors.New("playlist does not begin with #EXTM3U")
	}
	if strings.HasSuffix(text[:first], "\r\n") {
		r.p.eol = "\r\n"
	}
	// Most playlists have a tag and a URI for each segment.
	r.p.Segments = make([]Segment, 0, min(strings.Count(text, "\n#EXTINF:"), media.MaxReferences))
	r.all = text
	for line := range lines(text[:first]) {
		r.p.head = append(r.p.head, line)
	}
	for at := first; at < len(text); {
		end := at + strings.IndexByte(text[at:], '\n') + 1
		if err := r.line(at, end); err != nil {
			return nil, fmt.Errorf("line %d: %w", 1+strings.Count(text[:at], "\n"), err)
		}
		at = end
	}
	if r.timed {
		return nil, fmt.Errorf("no URI follows the last EXTINF: %w", media.ErrIncomplete)
	}
	return r.finish()
}

// header returns where the line #EXTM3U ends. Blank lines and comments may stand before it.
func header(text string) (end int, ok bool) {
	for line := range lines(text) {
		end += len(line)
		switch line = body(line); {
		case media.IsPlaylistHeader(line):
			return end, true
		case line != "" && (line[0] != '#' || strings.HasPrefix(line, "#EXT")):
			return 0, false
		}
	}
	return 0, false
}

// A reader reads a playlist line by line. Lines are parts of the one text, so that they cost
// nothing.
type reader struct {
	p   *Playlist
	all string

	// parts has the lines since the last segment: one part of all, which ends at end, as long as no
	// line of the playlist stands between them.
	parts []string
	end   int
	begun bool // a line of the segment has come: what follows is the segment's, too

	timed bool // an EXTINF has come
	next  Segment
	now   *effect
}

// line reads the line all[at:end].
func (r *reader) line(at, end int) error {
	line := r.all[at:end]
	text := body(line)
	switch {
	case text == "" || text[0] == '#' && !strings.HasPrefix(text, "#EXT"):
		if value, ours := strings.CutPrefix(text, ourLine); ours {
			r.state(value)
			return nil
		}
		r.keep(at, end)
	case text[0] != '#':
		r.begun = true
		r.keep(at, end)
		return r.uri(text)
	default:
		return r.tag(text, at, end)
	}
	return nil
}

func (r *reader) tag(text string, at, end int) error {
	tag, value, _ := strings.Cut(text, ":")
	value = strings.TrimLeft(value, " \t")
	switch kinds[tag] {
	case ofSet:
		return ErrSet
	case fixed:
		return &FixedError{tag}
	case ofSegment:
		r.begun = true
		r.keep(at, end)
		return r.segmentTag(tag, value, r.all[at:end])
	case ofPlaylist:
		if tag != tagEnd { // which is no line of the head
			r.headed()
		}
		return r.playlistTag(tag, value, r.all[at:end])
	}
	r.keep(at, end)
	return nil
}

// headed adds unknown lines between those of the playlist to the playlist's.
func (r *reader) headed() {
	if r.begun {
		return
	}
	for line := range lines(r.taken()) {
		r.p.head = append(r.p.head, line)
	}
}

// keep adds a line to those of the next segment.
func (r *reader) keep(at, end int) {
	if n := len(r.parts); n > 0 && r.end == at {
		r.parts[n-1] = r.all[at-len(r.parts[n-1]) : end]
	} else {
		r.parts = append(r.parts, r.all[at:end])
	}
	r.end = end
}

// taken returns the lines since the last segment, which are read then.
func (r *reader) taken() string {
	text := ""
	if len(r.parts) == 1 {
		text = r.parts[0]
	} else {
		text = strings.Join(r.parts, "")
	}
	r.parts = r.parts[:0]
	return text
}

func (r *reader) playlistTag(tag, value, line string) (err error) {
	p := r.p
	switch tag {
	case tagVersion:
		p.Version, err = strconv.Atoi(value)
		if err == nil && p.Version < 1 {
			err = strconv.ErrRange
		}
	case tagTarget:
		p.target = value
		p.TargetDuration, err = seconds(value)
	case tagSequence:
		p.Sequence, err = number(value)
	case tagNumber:
		p.DiscontinuitySequence, err = number(value)
	case tagType:
		if p.Type = value; p.Type != event && p.Type != vod {
			p.Type = ""
		}
	case tagEnd:
		p.Ended, p.end = true, line
		return nil // it has a place of its own
	case "#EXT-X-SERVER-CONTROL":
		for name := range attributes(value) {
			if promises[name] {
				return &FixedError{tag + " with " + name}
			}
		}
	}
	if err != nil {
		return fmt.Errorf("%s: value %q is not a number in range", tag, value)
	}
	p.head = append(p.head, line)
	return nil
}

func (r *reader) segmentTag(tag, value, line string) error {
	s := &r.next
	switch tag {
	case tagDuration:
		r.timed = true
		length, _, _ := strings.Cut(value, ",")
		s.Duration, _ = seconds(strings.TrimSpace(length)) // 0 if it is none: players need the URI only
	case tagDiscontinuity:
		s.Discontinuities++
	case tagGap:
		s.Gap = true
	case tagDate:
		s.date = value
	case tagRange:
		var ok bool
		if s.Range, s.follows, ok = parseRange(value); !ok {
			return fmt.Errorf("%s: value %q is not a byte range", tag, value)
		}
	case tagKey, tagMap:
		s.marks++
		if r.now = r.now.after(line); len(r.now.allKeys()) > maxKeys {
			return fmt.Errorf("more than %d keys are in effect", maxKeys)
		}
	}
	return nil
}

func (r *reader) uri(uri string) error {
	s := &r.next
	if s.follows {
		// Without a segment before, nothing says where the range begins.
		if n := len(r.p.Segments); n > 0 && r.p.Segments[n-1].URI == uri {
			before := r.p.Segments[n-1].Range
			s.Range.Offset = min(before.Offset+before.Length, maxNumber)
		} else {
			s.follows = false
		}
	}
	s.URI, s.text, s.effect = uri, r.taken(), r.now
	r.p.Segments = append(r.p.Segments, *s)
	if len(r.p.Segments) > media.MaxReferences {
		return &media.TooManyError{What: "segments", Count: len(r.p.Segments), Limit: media.MaxReferences}
	}
	r.next, r.timed = Segment{}, false
	return nil
}

// state reads our own line. If it is broken, so is what it says: there is none then.
func (r *reader) state(value string) {
	for field := range strings.FieldsSeq(value) {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < -maxNumber || n > maxNumber {
			continue
		}
		switch name {
		case "offset":
			r.p.Continued, r.p.Offset = true, n
		case "run":
			r.p.Run = uint64(max(n, 0))
		}
	}
}

func (r *reader) finish() (*Playlist, error) {
	p := r.p
	r.headed()
	p.foot = r.taken()
	tags := uint64(0)
	for i := range p.Segments {
		tags += uint64(p.Segments[i].Discontinuities)
	}
	if p.Next() > maxNumber || p.DiscontinuitySequence+tags > maxNumber {
		return nil, errors.New("the numbers of the segments are out of range")
	}
	if !p.Continued || p.Run <= p.Sequence || p.Run >= p.Next() {
		p.Run = 0
	}
	return p, nil
}
