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
	var m measure
	for _, c := range raw {
		if m.inText {
			m.text(c)
			continue
		}
		m.structure(c)
		if err := m.tooMuch(); err != nil {
			return err
		}
	}
	if len(raw)+5*m.controls > limit { // Lenient makes six bytes of one
		return fmt.Errorf("it is longer than %d bytes", limit)
	}
	return nil
}

// A measure counts what JSON has, byte by byte.
type measure struct {
	open     []container // the inner ones last
	values   int
	controls int  // control bytes in texts
	inText   bool // between quotes
	escaped  bool // the byte before was a backslash
}

// A container is an object or a list that has not ended.
type container struct{ children, most int }

// text adds a byte of a text.
func (m *measure) text(c byte) {
	switch {
	case c < ' ':
		m.controls++
		m.escaped = false
	case m.escaped:
		m.escaped = false
	case c == '\\':
		m.escaped = true
	case c == '"':
		m.inText = false
	}
}

// structure adds a byte outside of texts.
func (m *measure) structure(c byte) {
	switch c {
	case '"':
		m.inText = true
	case '{':
		m.open = append(m.open, container{1, maxMembers})
		m.values++
	case '[':
		m.open = append(m.open, container{1, maxElements})
		m.values++
	case '}', ']':
		m.open = m.open[:max(0, len(m.open)-1)]
	case ',':
		m.values++
		if len(m.open) > 0 {
			m.open[len(m.open)-1].children++
		}
	}
}

func (m *measure) tooMuch() error {
	var inner container
	if len(m.open) > 0 {
		inner = m.open[len(m.open)-1]
	}
	switch {
	case len(m.open) > maxDepth:
		return fmt.Errorf("it is deeper than %d", maxDepth)
	case inner.children > inner.most:
		return fmt.Errorf("a part of it has more than %d elements", inner.most)
	case m.values > maxValues:
		return fmt.Errorf("it has more than %d values", maxValues)
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
