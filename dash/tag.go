package dash

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A tag is the start or the end of an XML element, and where it is in the text.
type tag struct {
	name     string // without the prefix of its namespace
	from, to int
	attrs    []attr
	opens    bool
	closes   bool // also if the element is empty
}

// An attr is an attribute, and where its value is in the text, without the quotes.
type attr struct {
	name     string // with the prefix of its namespace
	before   int    // where the white space in front of it begins
	from, to int
}

// attr returns the attribute with this name.
func (t *tag) attr(name string) (attr, bool) {
	for _, a := range t.attrs {
		if a.name == name {
			return a, true
		}
	}
	return attr{}, false
}

// A scanner finds the tags of an XML text. It knows enough of XML to find where they are. What it
// does not know is an error: such a text stays as it is.
type scanner struct {
	text  []byte
	at    int
	attrs []attr // of the last tag
}

var errCut = errors.New("it is cut short")

// next returns the next tag, or nil at the end. It is valid until the next call.
func (s *scanner) next() (*tag, error) {
	for {
		i := bytes.IndexByte(s.text[s.at:], '<')
		if i < 0 {
			s.at = len(s.text)
			return nil, nil
		}
		s.at += i
		rest := s.text[s.at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			if err := s.skip("-->", 4); err != nil {
				return nil, err
			}
		case bytes.HasPrefix(rest, []byte("<?")):
			if err := s.skip("?>", 2); err != nil {
				return nil, err
			}
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			if err := s.skip("]]>", 9); err != nil {
				return nil, err
			}
		case bytes.HasPrefix(rest, []byte("<!")):
			return nil, errors.New("it has a DOCTYPE")
		default:
			return s.tag()
		}
	}
}

// skip goes behind the next end, which is so many bytes from here at least.
func (s *scanner) skip(end string, least int) error {
	rest := s.text[s.at:]
	if len(rest) < least {
		return errCut
	}
	i := bytes.Index(rest[least:], []byte(end))
	if i < 0 {
		return errCut
	}
	s.at += least + i + len(end)
	return nil
}

// tag reads the tag that begins here.
func (s *scanner) tag() (*tag, error) {
	t := &tag{from: s.at, opens: true}
	s.at++
	if s.has('/') {
		t.opens, t.closes = false, true
	}
	name := s.word()
	if name == "" {
		return nil, fmt.Errorf("byte %d begins no element", t.from)
	}
	t.name = name[strings.IndexByte(name, ':')+1:]
	s.attrs = s.attrs[:0]
	for {
		before := s.at
		s.space()
		switch {
		case s.at >= len(s.text):
			return nil, errCut
		case s.has('>'):
			t.to, t.attrs = s.at, s.attrs
			return t, nil
		case t.opens && s.has('/'):
			t.closes = true
			if !s.has('>') {
				return nil, fmt.Errorf("element %.40q does not end", t.name)
			}
			t.to, t.attrs = s.at, s.attrs
			return t, nil
		}
		if err := s.attr(t, before); err != nil {
			return nil, err
		}
	}
}

// attr reads an attribute of t. The white space in front of it begins at before.
func (s *scanner) attr(t *tag, before int) (err error) {
	if len(s.attrs) == maxAttrs {
		return fmt.Errorf("element %.40q has more than %d attributes", t.name, maxAttrs)
	}
	a := attr{name: s.word(), before: before}
	s.space()
	if slices.ContainsFunc(s.attrs, func(b attr) bool { return b.name == a.name }) {
		return fmt.Errorf("element %.40q has %.40q twice", t.name, a.name)
	}
	if a.name == "" || !t.opens || !s.has('=') {
		return fmt.Errorf("element %.40q has no attribute at byte %d", t.name, s.at)
	}
	s.space()
	if a.from, a.to, err = s.quoted(a.name); err != nil {
		return err
	}
	s.attrs = append(s.attrs, a)
	return nil
}

// quoted goes behind the value of an attribute, and returns where it is, without its quotes.
func (s *scanner) quoted(name string) (from, to int, err error) {
	if s.at >= len(s.text) {
		return 0, 0, errCut
	}
	quote := s.text[s.at]
	if quote != '"' && quote != '\'' {
		return 0, 0, fmt.Errorf("attribute %.40q has no quotes", name)
	}
	from = s.at + 1
	i := bytes.IndexByte(s.text[from:], quote)
	if i < 0 {
		return 0, 0, errCut
	}
	s.at = from + i + 1
	return from, from + i, nil
}

// has goes behind c, if that is here.
func (s *scanner) has(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) space() {
	for s.at < len(s.text) && isSpace(s.text[s.at]) {
		s.at++
	}
}

// word reads a name.
func (s *scanner) word() string {
	from := s.at
	for s.at < len(s.text) && !isSpace(s.text[s.at]) && strings.IndexByte(`=/><"'`, s.text[s.at]) < 0 {
		s.at++
	}
	return string(s.text[from:s.at])
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
