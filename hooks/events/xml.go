package events

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An element is one of XML, with what is needed of it.
type element struct {
	tag      string
	name     string // the attribute
	array    bool   // a map whose keys are only numbers
	text     []byte
	children []*element
}

var errXML = errors.New("not an event: broken XML")

// fromXML returns as JSON what the server sends as XML, a tree of TYPED_MAP elements whose keys are
// attributes, or as XML-RPC (xmlrpc.com/spec), a call whose method is the event's type.
func fromXML(body []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(legal(body)))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // bytes are bytes
	tree := xmlTree{open: []*element{{}}}
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errXML // without its text, which cites the content
		}
		if err := tree.add(token); err != nil {
			return nil, err
		}
	}
	root := tree.root()
	if root == nil {
		return nil, errXML
	}
	if root.tag == "methodCall" {
		return fromCall(root)
	}
	return root.appendJSON(nil), nil
}

// An xmlTree is what was read so far: open has the elements that are not closed, the inner ones
// last. The first of open stands for the document.
type xmlTree struct {
	open     []*element
	elements int
}

func (t *xmlTree) add(token xml.Token) error {
	inner := t.open[len(t.open)-1]
	switch token := token.(type) {
	case xml.StartElement:
		if len(t.open) == maxDepth {
			return fmt.Errorf("%w: it is deeper than %d", errXML, maxDepth)
		}
		if t.elements++; t.elements > maxElements {
			return fmt.Errorf("%w: it has more than %d elements", errXML, maxElements)
		}
		e := newElement(token)
		inner.children = append(inner.children, e)
		t.open = append(t.open, e)
	case xml.EndElement:
		if len(t.open) == 1 {
			return errXML
		}
		t.open = t.open[:len(t.open)-1]
	case xml.CharData:
		inner.text = original(inner.text, token)
	}
	return nil
}

// root returns the element of a whole document, or nil.
func (t *xmlTree) root() *element {
	if len(t.open) != 1 || len(t.open[0].children) != 1 {
		return nil
	}
	return t.open[0].children[0]
}

func newElement(start xml.StartElement) *element {
	e := &element{tag: start.Name.Local}
	for _, a := range start.Attr {
		switch a.Name.Local {
		case "name", "key":
			e.name = string(original(nil, []byte(a.Value)))
		case "isArray":
			e.array = a.Value == "true"
		}
	}
	return e
}

// appendJSON appends an element of the server's own XML as JSON.
func (e *element) appendJSON(out []byte) []byte {
	if len(e.children) == 0 && e.tag != "MAP" && e.tag != "TYPED_MAP" {
		return e.appendScalar(out)
	}
	begin, end := byte('{'), byte('}')
	if e.array {
		begin, end = '[', ']'
	}
	out = append(out, begin)
	for i, c := range e.children {
		if i > 0 {
			out = append(out, ',')
		}
		if !e.array {
			key := c.name
			if key == "" {
				key = c.tag
			}
			out = append(append(out, quoted([]byte(key))...), ':')
		}
		out = c.appendJSON(out)
	}
	return append(out, end)
}

var number = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?$`)

// appendScalar appends a value whose tag is its type, in either of the two forms.
func (e *element) appendScalar(out []byte) []byte {
	text := bytes.TrimSpace(e.text)
	switch tag := strings.ToUpper(e.tag); {
	case tag == "NULL" || tag == "NIL" || tag == "UNDEFINED":
		return append(out, "null"...)
	case tag == "BOOL" || tag == "BOOLEAN":
		return strconv.AppendBool(out, string(text) == "1" || bytes.EqualFold(text, []byte("true")))
	case strings.HasPrefix(tag, "INT") || strings.HasPrefix(tag, "UINT") || tag == "DOUBLE" || tag == "I4" || tag == "I8":
		if number.Match(text) {
			return append(out, text...)
		}
	}
	return append(out, quoted(e.text)...)
}

// XML allows neither control characters nor invalid UTF-8, which names may have, nor references to
// such characters, as which the server writes the former, and makes line feeds of carriage returns.
// Each such byte travels through the parser as a character of a private range, and so does each
// byte of the characters of that range themselves.
const private0 = '\U000F0000'

// reference is how the server writes a control character.
var reference = regexp.MustCompile(`^&#x0*(1?[0-9A-Fa-f]);`)

// legal replaces the bytes that XML does not allow.
func legal(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for len(body) > 0 {
		if body[0] == '&' {
			if m := reference.FindSubmatch(body); m != nil {
				b, _ := strconv.ParseUint(string(m[1]), 16, 8) // cannot fail: it is what the expression lets through
				out = utf8.AppendRune(out, private0+rune(b))
				body = body[len(m[0]):]
				continue
			}
		}
		r, n := utf8.DecodeRune(body)
		switch {
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF, isPrivate(r):
			for _, b := range body[:n] {
				out = utf8.AppendRune(out, private0+rune(b))
			}
		default:
			out = append(out, body[:n]...)
		}
		body = body[n:]
	}
	return out
}

func isPrivate(r rune) bool { return r >= private0 && r <= private0+0xFF }

// original appends text to out, with the bytes back in place that legal replaced.
func original(out, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if isPrivate(r) {
			out = append(out, byte(r-private0))
		} else {
			out = append(out, text[:n]...)
		}
		text = text[n:]
	}
	return out
}

// quoted is s as a JSON string. Whatever s holds, it does not end the string: publishers choose
// names.
func quoted(s []byte) []byte {
	out := make([]byte, 1, len(s)+2)
	out[0] = '"'
	for _, b := range s {
		switch {
		case b == '"' || b == '\\':
			out = append(out, '\\', b)
		case b < ' ':
			out = fmt.Appendf(out, `\u%04x`, b)
		default:
			out = append(out, b)
		}
	}
	return append(out, '"')
}
