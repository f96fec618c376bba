package media

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParsePlaylist reads a Media or Master Playlist of any protocol version. It does not check whether
// the playlist obeys RFC 8216, only what it names and whether it is complete. It skips tags that it
// does not know. A playlist that names nothing to play counts as cut short. EXT-X-PRELOAD-HINT is
// left out: it names a file that does not exist yet.
func ParsePlaylist(b []byte) (Manifest, error) {
	p := playlistReader{named: make(map[string]struct{})}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if len(bytes.TrimSpace(b)) == 0 {
		return Manifest{}, fmt.Errorf("playlist is empty: %w", ErrIncomplete)
	}
	endsInNewline := b[len(b)-1] == '\n'
	for len(b) > 0 {
		var raw []byte
		raw, b, _ = bytes.Cut(b, []byte("\n"))
		p.line++
		text := strings.TrimRight(string(raw), "\r \t")
		if p.line == 1 && text != "#EXTM3U" {
			if strings.HasPrefix("#EXTM3U", text) && len(b) == 0 {
				return Manifest{}, fmt.Errorf("playlist ends in its first line: %w", ErrIncomplete)
			}
			return Manifest{}, errors.New("playlist does not begin with #EXTM3U")
		}
		if err := p.read(text); err != nil {
			return Manifest{}, err
		}
	}
	switch {
	case !endsInNewline && !p.Ended:
		return Manifest{}, fmt.Errorf("last line %d has no line end: %w", p.line, ErrIncomplete)
	case p.tooMany != nil:
		return Manifest{}, fmt.Errorf("playlist: %w", p.tooMany)
	case p.wantsURI != "":
		return Manifest{}, fmt.Errorf("no URI follows the last %s: %w", p.wantsURI, ErrIncomplete)
	case len(p.references) == 0 && !p.Ended:
		return Manifest{}, fmt.Errorf("playlist names nothing: %w", ErrIncomplete)
	}
	p.Last = p.Sequence + max(p.whole, 1) - 1
	p.Manifest.references = slices.Values(p.references)
	return p.Manifest, nil
}

type playlistReader struct {
	Manifest
	references []Reference // each URI once
	whole      uint64      // Media Segments without parts
	line       int
	wantsURI   string // the tag whose URI has not come yet
	named      map[string]struct{}
	tally      Tally
	tooMany    error
}

// read reads one line (RFC 8216, section 4.1).
func (p *playlistReader) read(text string) error {
	switch {
	case strings.HasPrefix(text, "#EXT"):
		return p.readTag(text)
	case text != "" && text[0] != '#': // else it is a comment
		p.readURI(text)
	}
	return nil
}

func (p *playlistReader) readURI(uri string) {
	if !p.Set {
		p.Segments++
		p.whole++
	}
	p.wantsURI = ""
	p.name(Reference{URI: uri, Segment: !p.Set, Manifest: p.Set})
}

func (p *playlistReader) readTag(text string) (err error) {
	tag, value, _ := strings.Cut(text, ":")
	switch tag {
	case "#EXTINF":
		p.wantsURI = tag
	case "#EXT-X-STREAM-INF":
		p.Set, p.wantsURI = true, tag
	case "#EXT-X-MEDIA", "#EXT-X-I-FRAME-STREAM-INF":
		p.Set = true
		p.nameAttribute(value, Reference{Manifest: true})
	case "#EXT-X-SESSION-DATA", "#EXT-X-SESSION-KEY":
		p.Set = true
		p.nameAttribute(value, Reference{})
	case "#EXT-X-KEY", "#EXT-X-MAP":
		p.nameAttribute(value, Reference{})
	case "#EXT-X-PART":
		p.Segments++
		p.nameAttribute(value, Reference{Segment: true})
	case "#EXT-X-MEDIA-SEQUENCE":
		p.Sequence, err = strconv.ParseUint(value, 10, 64)
	case "#EXT-X-TARGETDURATION":
		p.TargetDuration, err = targetDuration(value)
	case "#EXT-X-ENDLIST":
		p.Ended = true
	}
	if err != nil {
		return fmt.Errorf("line %d: %s: value %q is not a number in range", p.line, tag, value)
	}
	return nil
}

// targetDuration is an integer since protocol version 3, but some programs write fractions.
func targetDuration(value string) (time.Duration, error) {
	s, err := strconv.ParseFloat(value, 64)
	if err == nil && !(s >= 0 && s <= 86400) {
		err = strconv.ErrRange
	}
	return time.Duration(s * float64(time.Second)), err
}

// name adds a reference, once. Beyond the limit, references are only counted.
func (p *playlistReader) name(r Reference) {
	if _, twice := p.named[r.URI]; twice {
		return
	}
	if p.tooMany = cmp.Or(p.tally.Add(r), p.tooMany); p.tooMany != nil {
		return
	}
	p.named[r.URI] = struct{}{}
	p.references = append(p.references, r)
}

// nameAttribute adds the reference r with the URI attribute of a list (RFC 8216, section 4.2), if
// the list has one.
func (p *playlistReader) nameAttribute(list string, r Reference) {
	for list != "" {
		name, rest, ok := strings.Cut(list, "=")
		if !ok {
			return
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, rest, _ = strings.Cut(rest[1:], `"`)
			_, list, _ = strings.Cut(rest, ",")
		} else {
			value, list, _ = strings.Cut(rest, ",")
		}
		if strings.TrimSpace(name) == "URI" && value != "" {
			r.URI = value
			p.name(r)
			return
		}
	}
}
