package emsapi

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// lists reports whether a command's answer has an element for each stream, order or timer.
func lists(command string) bool { return strings.HasPrefix(command, "list") }

// limit is how many bytes the answer to a command may have.
func limit(command string) int {
	if lists(command) {
		return maxList
	}
	return maxAnswer
}

// bounded reports what an answer has too much of, before it is decoded.
func bounded(raw []byte, limit int) error {
	type container struct{ children, most int }
	var open []container
	values, controls := 0, 0
	within, escaped := false, false
	for _, c := range raw {
		if within {
			switch {
			case c < ' ':
				controls++
				escaped = false
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				within = false
			}
			continue
		}
		switch c {
		case '"':
			within = true
		case '{', '[':
			most := maxMembers
			if c == '[' {
				most = maxElements
			}
			open = append(open, container{1, most})
			values++
		case '}', ']':
			open = open[:max(0, len(open)-1)]
		case ',':
			values++
			if len(open) > 0 {
				open[len(open)-1].children++
			}
		}
		switch {
		case len(open) > maxDepth:
			return fmt.Errorf("it is deeper than %d", maxDepth)
		case len(open) > 0 && open[len(open)-1].children > open[len(open)-1].most:
			return fmt.Errorf("a part of it has more than %d elements", open[len(open)-1].most)
		case values > maxValues:
			return fmt.Errorf("it has more than %d values", maxValues)
		}
	}
	if len(raw)+5*controls > limit { // Lenient makes six bytes of one
		return fmt.Errorf("it is longer than %d bytes", limit)
	}
	return nil
}

// brief cuts what a server says to what a log line may have of it.
func brief(s string) string {
	if utf8.RuneCountInString(s) <= maxMessage {
		return s
	}
	n := 0
	for i := range s {
		if n == maxMessage {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// A citation is an error whose text may cite what answered: it is cut.
type citation struct{ error }

func (c citation) Error() string { return brief(c.error.Error()) }
func (c citation) Unwrap() error { return c.error }
