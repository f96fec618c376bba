package hls

import "strings"

// Tags of a Multivariant Playlist (RFC 8216, section 4.3.4).
const (
	tagStreamInf       = "#EXT-X-STREAM-INF"
	tagMedia           = "#EXT-X-MEDIA"
	tagIFrameStreamInf = "#EXT-X-I-FRAME-STREAM-INF"
)

// WithoutVariants returns a Multivariant Playlist without the variants and renditions that are
// absent. Where a group of renditions has none left, variants do not refer to it any more. It
// returns content itself if nothing is absent.
func WithoutVariants(content []byte, absent func(uri string) bool) []byte {
	s := selection{absent: absent, left: make(map[string]bool), variant: -1}
	changed := false
	for line := range lines(string(content)) {
		if !s.add(line) {
			changed = true
		}
	}
	if !changed {
		return content
	}
	for i, line := range s.lines {
		if tag, _ := tagOf(line); tag == tagStreamInf || tag == tagIFrameStreamInf {
			s.lines[i] = withoutGroups(line, s.left)
		}
	}
	return []byte(strings.Join(s.lines, ""))
}

// A selection is a Multivariant Playlist with what is not absent.
type selection struct {
	absent  func(uri string) bool
	lines   []string
	left    map[string]bool // groups that have a rendition, or had one, which is false
	variant int             // where in lines the tag is whose URI follows; -1: none does
}

// add adds a line, or leaves it out, and reports which. With the URI of a variant, its tag goes.
func (s *selection) add(line string) bool {
	switch tag, value := tagOf(line); tag {
	case tagStreamInf:
		s.variant = len(s.lines)
	case tagMedia:
		group := groupOf(value)
		if s.isAbsent(value) {
			if !s.left[group] {
				s.left[group] = false // it was one
			}
			return false
		}
		s.left[group] = true
	case tagIFrameStreamInf:
		if s.isAbsent(value) {
			return false
		}
	default:
		if uri := body(line); uri != "" && uri[0] != '#' && !s.endVariant(uri) {
			return false
		}
	}
	s.lines = append(s.lines, line)
	return true
}

// endVariant ends the variant with this URI, if there is one, and reports whether it stays.
func (s *selection) endVariant(uri string) bool {
	variant := s.variant
	s.variant = -1
	if variant >= 0 && s.absent(uri) {
		s.lines = s.lines[:variant]
		return false
	}
	return true
}

// isAbsent reports whether the URI in an attribute list is absent.
func (s *selection) isAbsent(list string) bool {
	uri, ok := uriOf(list)
	return ok && s.absent(uri)
}

// uriOf returns the URI in an attribute list, if it has one.
func uriOf(list string) (uri string, ok bool) {
	for name, a := range attributes(list) {
		if name == "URI" {
			return a.unquoted(), true
		}
	}
	return "", false
}

// groupOf returns the group of a rendition: its type and GROUP-ID.
func groupOf(list string) string {
	var kind, id string
	for name, a := range attributes(list) {
		switch name {
		case "TYPE":
			kind = a.unquoted()
		case "GROUP-ID":
			id = a.unquoted()
		}
	}
	return kind + " " + id
}

// withoutGroups returns the line of a variant without the groups that have no rendition left.
func withoutGroups(line string, left map[string]bool) string {
	tag, value := tagOf(line)
	var attrs []string
	dropped := false
	for name, a := range attributes(value) {
		if has, known := left[name+" "+a.unquoted()]; known && !has {
			dropped = true
			continue
		}
		attrs = append(attrs, name+"="+strings.TrimSpace(a.text))
	}
	if !dropped {
		return line
	}
	return tag + ":" + strings.Join(attrs, ",") + ending(line)
}
