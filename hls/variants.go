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
	var kept []string
	left := make(map[string]bool) // groups that have a rendition, or had one, which is false
	changed := false
	variant := -1 // where in kept the tag is whose URI follows
	for line := range lines(string(content)) {
		text := body(line)
		tag, value := tagOf(line)
		switch {
		case tag == tagStreamInf:
			variant = len(kept)
		case tag == tagMedia:
			group := groupOf(value)
			if uri, ok := uriOf(value); ok && absent(uri) {
				if !left[group] {
					left[group] = false // it was one
				}
				changed = true
				continue
			}
			left[group] = true
		case tag == tagIFrameStreamInf:
			if uri, ok := uriOf(value); ok && absent(uri) {
				changed = true
				continue
			}
		case text != "" && text[0] != '#':
			if variant >= 0 && absent(text) {
				kept, variant, changed = kept[:variant], -1, true
				continue
			}
			variant = -1
		}
		kept = append(kept, line)
	}
	if !changed {
		return content
	}
	for i, line := range kept {
		if tag, _ := tagOf(line); tag == tagStreamInf || tag == tagIFrameStreamInf {
			kept[i] = withoutGroups(line, left)
		}
	}
	return []byte(strings.Join(kept, ""))
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
