package hls

import (
	"iter"
	"strconv"
	"strings"
)

// attributes yields the attributes of a tag's value (RFC 8216, section 4.2) with their values as they
// are written, quotes included, and where each value begins.
func attributes(list string) iter.Seq2[string, attribute] {
	return func(yield func(string, attribute) bool) {
		for at := 0; at < len(list); {
			equals := strings.IndexByte(list[at:], '=')
			if equals < 0 {
				return
			}
			name, begin := strings.TrimSpace(list[at:at+equals]), at+equals+1
			end, next := begin, len(list)
			if strings.HasPrefix(list[begin:], `"`) {
				closing := strings.IndexByte(list[begin+1:], '"')
				if closing < 0 {
					return
				}
				end = begin + 1 + closing + 1
			}
			if comma := strings.IndexByte(list[end:], ','); comma >= 0 {
				next = end + comma + 1
			}
			if end == begin {
				end = next
				if next > begin && list[next-1] == ',' {
					end--
				}
			}
			if !yield(name, attribute{list[begin:end], begin}) {
				return
			}
			at = next
		}
	}
}

// An attribute is a value in an attribute list.
type attribute struct {
	text string
	at   int // where it begins in the list
}

// unquoted is the value without quotes.
func (a attribute) unquoted() string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(a.text), `"`), `"`)
}

// parseRange reads <n>[@<o>]. follows: it has no offset.
func parseRange(value string) (r Range, follows, ok bool) {
	length, offset, stated := strings.Cut(value, "@")
	var err, err2 error
	r.Length, err = strconv.ParseUint(strings.TrimSpace(length), 10, 63)
	if stated {
		r.Offset, err2 = strconv.ParseUint(strings.TrimSpace(offset), 10, 63)
	}
	return r, !stated, err == nil && err2 == nil && r.Offset < maxNumber && r.Length < maxNumber
}

// tagOf splits a line into its tag and the value, without the white space around the line.
func tagOf(line string) (tag, value string) {
	tag, value, _ = strings.Cut(body(line), ":")
	return tag, value
}

// ending is what stands behind the text of a line: white space and the line end.
func ending(line string) string { return line[len(trimmed(line)):] }

// trimmed is the text of a line, without what stands behind it.
func trimmed(line string) string {
	for len(line) > 0 {
		switch line[len(line)-1] {
		case '\r', '\n', ' ', '\t':
			line = line[:len(line)-1]
		default:
			return line
		}
	}
	return line
}

// body is the text of a line, without the white space around it.
func body(line string) string { return strings.TrimLeft(trimmed(line), " \t") }

// lines yields the lines of text, each with its end.
func lines(text string) iter.Seq[string] { return strings.Lines(text) }
