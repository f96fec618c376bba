package media

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A fileTag is a tag whose attributes name files.
type fileTag struct {
	ofSet bool // only a playlist of playlists has it
	files []fileAttribute
}

// A fileAttribute is one of them, with what its URI is.
type fileAttribute struct {
	name string
	is   Reference
}

// fileTags are the tags that name files, except EXT-X-PART. EXT-X-IMAGE-STREAM-INF is Roku's, for
// playlists of thumbnails. EXT-X-DATERANGE has interstitials.
var fileTags = map[string]fileTag{
	"#EXT-X-MEDIA":              {true, []fileAttribute{{"URI", Reference{Manifest: true}}}},
	"#EXT-X-I-FRAME-STREAM-INF": {true, []fileAttribute{{"URI", Reference{Manifest: true}}}},
	"#EXT-X-IMAGE-STREAM-INF":   {true, []fileAttribute{{"URI", Reference{Manifest: true}}}},
	"#EXT-X-SESSION-KEY":        {true, []fileAttribute{{"URI", Reference{}}}},
	"#EXT-X-SESSION-DATA":       {true, []fileAttribute{{"URI", Reference{Optional: true}}}},
	"#EXT-X-CONTENT-STEERING":   {true, []fileAttribute{{"SERVER-URI", Reference{Optional: true}}}},
	"#EXT-X-KEY":                {false, []fileAttribute{{"URI", Reference{}}}},
	"#EXT-X-MAP":                {false, []fileAttribute{{"URI", Reference{}}}},
	"#EXT-X-DATERANGE": {false, []fileAttribute{{"X-ASSET-URI", Reference{Manifest: true, Optional: true}},
		{"X-ASSET-LIST", Reference{Optional: true}}}},
}

// readTag reads one tag (RFC 8216, section 4.3, and its second edition, draft-pantos-hls-rfc8216bis,
// section 4.4).
func (p *playlistReader) readTag(text string) (err error) {
	tag, value, _ := strings.Cut(text, ":")
	value = strings.TrimLeft(value, " \t") // as players do
	switch tag {
	case "#EXTINF":
		p.wantsURI = tag
	case "#EXT-X-STREAM-INF":
		p.Set, p.wantsURI = true, tag
	case "#EXT-X-PART":
		return p.part(value)
	case "#EXT-X-BYTERANGE":
		p.ranged = true
	case "#EXT-X-GAP":
		p.gap = true
	case "#EXT-X-DEFINE":
		p.variables.Define(value)
	case "#EXT-X-SKIP":
		value = attributeOf(value, "SKIPPED-SEGMENTS")
		p.skipped, err = strconv.ParseUint(value, 10, 64)
	case "#EXT-X-MEDIA-SEQUENCE":
		p.Sequence, err = strconv.ParseUint(value, 10, 64)
	case "#EXT-X-TARGETDURATION":
		p.TargetDuration, err = targetDuration(value)
	case "#EXT-X-PLAYLIST-TYPE":
		p.recording = value == "VOD"
	case "#EXT-X-ENDLIST":
		p.Ended = true
	default:
		return p.nameFiles(fileTags[tag], value)
	}
	if err != nil {
		return fmt.Errorf("line %d: %s: value %q is not a number in range", p.line, tag, value)
	}
	return nil
}

// part reads an EXT-X-PART.
func (p *playlistReader) part(list string) error {
	p.Segments++
	if attributeOf(list, "GAP") == "YES" {
		return nil
	}
	return p.nameAttribute(list, "URI", Reference{Segment: true})
}

// nameFiles adds the references of a tag with this attribute list.
func (p *playlistReader) nameFiles(tag fileTag, list string) error {
	p.Set = p.Set || tag.ofSet
	for _, a := range tag.files {
		if err := p.nameAttribute(list, a.name, a.is); err != nil {
			return err
		}
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

// nameAttribute adds the reference r with the URI that an attribute of a list has, if the list has
// it.
func (p *playlistReader) nameAttribute(list, name string, r Reference) error {
	if r.URI = attributeOf(list, name); r.URI == "" {
		return nil
	}
	return p.nameVariable(r)
}

// attributeOf returns the value of an attribute of a list (RFC 8216, section 4.2), without quotes,
// or "" if the list does not have it.
func attributeOf(list, wanted string) string {
	for list != "" {
		name, rest, ok := strings.Cut(list, "=")
		if !ok {
			return ""
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, rest, _ = strings.Cut(rest[1:], `"`)
			_, list, _ = strings.Cut(rest, ",")
		} else {
			value, list, _ = strings.Cut(rest, ",")
		}
		if strings.TrimSpace(name) == wanted && value != "" {
			return value
		}
	}
	return ""
}
