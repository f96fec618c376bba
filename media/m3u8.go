package media

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParsePlaylist reads a Media or Master Playlist of any protocol version. It does not check whether
// the playlist obeys RFC 8216, only what it names and whether it is complete. It skips tags that it
// does not know, and accepts what players accept: a byte order mark, blank lines and comments before
// #EXTM3U, white space around a line, and any of the three line ends. A playlist that names nothing
// to play counts as cut short.
//
// Left out are files that do not exist yet (EXT-X-PRELOAD-HINT) or need not exist (EXT-X-GAP), and
// EXT-X-RENDITION-REPORT, which only points to playlists that the Master Playlist names: two that
// report each other would wait for each other.
func ParsePlaylist(b []byte) (Manifest, error) {
	p := playlistReader{named: make(map[string]int), variables: NewVariables(len(b))}
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if len(bytes.TrimSpace(b)) == 0 {
		return Manifest{}, fmt.Errorf("playlist is empty: %w", ErrIncomplete)
	}
	for len(b) > 0 {
		var raw []byte
		raw, b, p.Unended = cutLine(b)
		p.line++
		err := p.read(strings.Trim(string(raw), " \t"))
		if err != nil && p.Unended {
			return Manifest{}, fmt.Errorf("%w: %w", err, ErrIncomplete)
		}
		if err != nil {
			return Manifest{}, err
		}
	}
	p.Unended, p.Whole = p.Unended && !p.Ended, p.recording && p.Ended
	switch {
	case !p.begun:
		return Manifest{}, fmt.Errorf("playlist ends before its #EXTM3U: %w", ErrIncomplete)
	case p.tooMany != nil:
		return Manifest{}, fmt.Errorf("playlist: %w", p.tooMany)
	case p.wantsURI != "":
		return Manifest{}, fmt.Errorf("no URI follows the last %s: %w", p.wantsURI, ErrIncomplete)
	case len(p.references) == 0 && p.Segments == 0 && !p.Ended:
		return Manifest{}, fmt.Errorf("playlist names nothing: %w", ErrIncomplete)
	}
	p.Last = plus(p.Sequence, max(plus(p.skipped, p.whole), 1)-1)
	p.Manifest.references = slices.Values(p.references)
	return p.Manifest, nil
}

// cutLine cuts the first line off b, at LF, CR or both. unended: it has no end.
func cutLine(b []byte) (line, rest []byte, unended bool) {
	at := bytes.IndexAny(b, "\r\n")
	if at < 0 {
		return b, nil, true
	}
	if line, rest = b[:at], b[at+1:]; b[at] == '\r' {
		rest = bytes.TrimPrefix(rest, []byte("\n"))
	}
	return line, rest, false
}

type playlistReader struct {
	Manifest
	references []Reference // each URI once
	whole      uint64      // Media Segments without parts
	skipped    uint64      // segments that a delta update leaves out
	line       int
	begun      bool   // #EXTM3U has come
	recording  bool   // its type is VOD
	gap        bool   // the next segment is not there
	ranged     bool   // the next segment is a part of its file
	wantsURI   string // the tag whose URI has not come yet
	variables  Variables
	named      map[string]int // their places in references
	tally      Tally
	tooMany    error
}

// read reads one line (RFC 8216, section 4.1).
func (p *playlistReader) read(text string) error {
	switch {
	case !p.begun:
		return p.readHead(text)
	case strings.HasPrefix(text, "#EXT"):
		return p.readTag(text)
	case text != "" && text[0] != '#': // else it is a comment
		return p.readURI(text)
	}
	return nil
}

// readHead reads a line until #EXTM3U, behind which some programs write attributes.
func (p *playlistReader) readHead(text string) error {
	p.begun = IsPlaylistHeader(text)
	isComment := strings.HasPrefix(text, "#") && !strings.HasPrefix(text, "#EXT")
	isCut := p.Unended && strings.HasPrefix("#EXTM3U", text)
	if p.begun || isComment || isCut || text == "" {
		return nil
	}
	return errors.New("playlist does not begin with #EXTM3U")
}

// IsPlaylistHeader reports whether a line, without white space around it, is the one with which
// playlists begin.
func IsPlaylistHeader(line string) bool {
	rest, ok := strings.CutPrefix(line, "#EXTM3U")
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

func (p *playlistReader) readURI(uri string) error {
	gap := p.gap
	if p.ranged {
		p.Ranged = uri
	}
	p.wantsURI, p.gap, p.ranged = "", false, false
	if !p.Set {
		p.Segments++
		p.whole++
	}
	if gap {
		return nil
	}
	return p.nameVariable(Reference{URI: uri, Segment: !p.Set, Manifest: p.Set})
}

// nameVariable adds a reference whose URI may have variables. One that does not tell its file cannot
// be waited for.
func (p *playlistReader) nameVariable(r Reference) error {
	uri, known, err := p.variables.Expand(r.URI)
	switch {
	case err != nil:
		return fmt.Errorf("line %d: %w", p.line, err)
	case known:
		r.URI = uri
		p.name(r)
	default:
		p.Unresolved = cmp.Or(p.Unresolved, r.URI)
	}
	return nil
}

// name adds a reference, once: a file that has the map and segments is a segment. Beyond the limit,
// references are only counted.
func (p *playlistReader) name(r Reference) {
	if at, twice := p.named[r.URI]; twice {
		known := &p.references[at]
		known.Segment = known.Segment || r.Segment
		return
	}
	if p.tooMany = cmp.Or(p.tally.Add(r), p.tooMany); p.tooMany != nil {
		return
	}
	p.named[r.URI] = len(p.references)
	p.references = append(p.references, r)
}
