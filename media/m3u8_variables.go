package media

import (
	"errors"
	"strings"
)

// Variables are those of a playlist: EXT-X-DEFINE (draft-pantos-hls-rfc8216bis, section 4.4.2.3).
// The playlist itself tells only the values of some. Others come from the Master Playlist (IMPORT)
// or from the address by which a player asks for the playlist (QUERYPARAM).
type Variables struct {
	values map[string]variable
	room   int // how many bytes they may still be expanded to: a few could claim gigabytes
}

type variable struct {
	value string
	known bool
}

// NewVariables returns those of a playlist of so many bytes, before its first definition.
func NewVariables(size int) Variables { return Variables{room: 32*size + 16<<10} }

// Define reads the attributes of a definition.
func (v *Variables) Define(list string) {
	if v.values == nil {
		v.values = make(map[string]variable)
	}
	name := attributeOf(list, "NAME")
	if name == "" {
		for _, unknown := range []string{"IMPORT", "QUERYPARAM"} {
			if name := attributeOf(list, unknown); name != "" {
				v.values[name] = variable{}
			}
		}
		return
	}
	// A value may have those of variables that were defined before.
	value, known, err := v.Expand(attributeOf(list, "VALUE"))
	v.values[name] = variable{value, known && err == nil}
}

// Expand returns uri with the values of its variables, or known = false if it does not tell which
// file it names. What follows the path is cut off if it has variables of which the value is not
// known: it is for the server. A playlist without definitions has no variables.
func (v *Variables) Expand(uri string) (expanded string, known bool, err error) {
	if len(v.values) == 0 || !strings.Contains(uri, "{$") {
		return uri, true, nil
	}
	var b strings.Builder
	for rest := uri; ; {
		text, behind, found := strings.Cut(rest, "{$")
		b.WriteString(text)
		if !found {
			break
		}
		name, after, closed := strings.Cut(behind, "}")
		if !closed {
			b.WriteString("{$" + behind)
			break
		}
		if is := v.values[name]; is.known {
			b.WriteString(is.value)
		} else if path, _, queried := cutAny(b.String(), "?#"); queried {
			return path, true, nil
		} else {
			return "", false, nil
		}
		if err := checkLength(b.Len()); err != nil {
			return "", false, err
		}
		rest = after
	}
	if v.room -= b.Len(); v.room < 0 {
		return "", false, errors.New("the variables of the playlist make its URIs too long")
	}
	return b.String(), true, nil
}

// cutAny cuts s before the first of some characters.
func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:], true
	}
	return s, "", false
}
