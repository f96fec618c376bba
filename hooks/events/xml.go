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
	text     strings.Builder
	children []*element
}

// maxDepth bounds how deep elements lie in each other. The server's lie less than ten deep.
const maxDepth = 64

var errXML = errors.New("not an event: broken XML")

// fromXML returns as JSON what the server sends as XML, a tree of TYPED_MAP elements whose keys are attributes, or as
// XML-RPC (xmlrpc.com/spec), a call whose method is the event's type.
func fromXML(body []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(legal(body)))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // bytes are bytes
	open := []*element{{}}
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errXML // without its text, which cites the content
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) == maxDepth {
				return nil, fmt.Errorf("%w: it is deeper than %d", errXML, maxDepth)
			}
			e := &element{tag: t.Name.Local}
			for _, a := range t.Attr {
				if a.Name.Local == "name" || a.Name.Local == "key" {
					e.name = a.Value
				}
			}
			parent := open[len(open)-1]
			parent.children = append(parent.children, e)
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 1 {
				return nil, errXML
			}
			open = open[:len(open)-1]
		case xml.CharData:
			open[len(open)-1].text.Write(t)
		}
	}
	if len(open) != 1 || len(open[0].children) != 1 {
		return nil, errXML
	}
	root := open[0].children[0]
	if root.tag == "methodCall" {
		return fromCall(root)
	}
	return root.appendJSON(nil), nil
}

// fromCall returns the event of an XML-RPC call: its argument is the event, or only the payload.
func fromCall(call *element) ([]byte, error) {
	method, value := call.child("methodName"), call.child("params").child("param").child("value")
	if method == nil || value == nil {
		return nil, errXML
	}
	argument := value.argument()
	out := append([]byte(`{"type":`), quoted(strings.TrimSpace(method.text.String()))...)
	members := argument.members()
	if members["payload"] == nil {
		out = append(out, `,"payload":`...)
		out = value.appendValue(out)
	}
	for _, key := range []string{"id", "processId", "timestamp", "payload"} {
		if v := members[key]; v != nil {
			out = append(append(append(out, ','), quoted(key)...), ':')
			out = v.appendValue(out)
		}
	}
	return append(out, '}'), nil
}

func (e *element) child(tag string) *element {
	if e != nil {
		for _, c := range e.children {
			if c.tag == tag {
				return c
			}
		}
	}
	return nil
}

// argument returns the typed value in a value element, or nil: then it is a string.
func (e *element) argument() *element {
	if len(e.children) == 0 {
		return nil
	}
	return e.children[0]
}

// members returns the values of a struct by their names.
func (e *element) members() map[string]*element {
	all := make(map[string]*element)
	if e == nil || e.tag != "struct" {
		return all
	}
	for _, m := range e.children {
		if name, value := m.child("name"), m.child("value"); name != nil && value != nil {
			all[name.text.String()] = value
		}
	}
	return all
}

// appendValue appends an XML-RPC value as JSON.
func (e *element) appendValue(out []byte) []byte {
	v := e.argument()
	if v == nil {
		return append(out, quoted(e.text.String())...)
	}
	switch v.tag {
	case "struct":
		out = append(out, '{')
		first := true
		for _, m := range v.children {
			name, value := m.child("name"), m.child("value")
			if name == nil || value == nil {
				continue
			}
			if !first {
				out = append(out, ',')
			}
			first = false
			out = append(append(out, quoted(name.text.String())...), ':')
			out = value.appendValue(out)
		}
		return append(out, '}')
	case "array":
		out = append(out, '[')
		if items := v.child("data"); items != nil {
			for i, value := range items.children {
				if i > 0 {
					out = append(out, ',')
				}
				out = value.appendValue(out)
			}
		}
		return append(out, ']')
	}
	return v.appendScalar(out)
}

// appendJSON appends an element of the server's own XML as JSON.
func (e *element) appendJSON(out []byte) []byte {
	if len(e.children) == 0 && e.tag != "MAP" && e.tag != "TYPED_MAP" {
		return e.appendScalar(out)
	}
	out = append(out, '{')
	for i, c := range e.children {
		if i > 0 {
			out = append(out, ',')
		}
		key := c.name
		if key == "" {
			key = c.tag
		}
		out = append(append(out, quoted(key)...), ':')
		out = c.appendJSON(out)
	}
	return append(out, '}')
}

var number = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?$`)

// appendScalar appends a value whose tag is its type, in either of the two forms.
func (e *element) appendScalar(out []byte) []byte {
	text := e.text.String()
	switch tag := strings.ToUpper(e.tag); {
	case tag == "NULL" || tag == "NIL" || tag == "UNDEFINED":
		return append(out, "null"...)
	case tag == "BOOL" || tag == "BOOLEAN":
		t := strings.TrimSpace(text)
		return strconv.AppendBool(out, t == "1" || strings.EqualFold(t, "true"))
	case strings.HasPrefix(tag, "INT") || strings.HasPrefix(tag, "UINT") || tag == "DOUBLE" || tag == "I4" || tag == "I8":
		if t := strings.TrimSpace(text); number.MatchString(t) {
			return append(out, t...)
		}
	}
	return append(out, quoted(text)...)
}

// XML allows neither control characters nor invalid UTF-8, which names may have. Each such byte travels as a character
// of a private range.
const private0 = '\U000F0000'

// legal replaces the bytes that XML does not allow.
func legal(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for len(body) > 0 {
		r, n := utf8.DecodeRune(body)
		switch {
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xFFFE, r == 0xFFFF:
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

// quoted is s as a JSON string, with the bytes back in place that legal replaced.
func quoted(s string) []byte {
	out := []byte{'"'}
	for _, r := range s {
		switch {
		case r >= private0 && r <= private0+0xFF:
			if b := byte(r - private0); b < ' ' {
				out = fmt.Appendf(out, `\u%04x`, b)
			} else {
				out = append(out, b)
			}
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < ' ':
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}
