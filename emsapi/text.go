package emsapi

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is a string of an answer with the bytes that the server has: encoding/json would replace
// those that are not UTF-8.
type Text string

// UnmarshalJSON takes a number or a boolean, too, as it stands there.
func (t *Text) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	if len(raw) < 2 || raw[0] != '"' {
		*t = Text(raw) // a number or a boolean
		return nil
	}
	raw = raw[1 : len(raw)-1]
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		if raw[i] != 'u' {
			out = append(out, unescaped(raw[i]))
			continue
		}
		r, err := strconv.ParseUint(string(raw[i+1:i+5]), 16, 32)
		if err != nil {
			return fmt.Errorf("escape in a string: %w", err)
		}
		i += 4
		c := rune(r)
		if utf16.IsSurrogate(c) && i+6 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
			if low, err := strconv.ParseUint(string(raw[i+3:i+7]), 16, 32); err == nil {
				c = utf16.DecodeRune(c, rune(low))
				i += 6
			}
		}
		out = utf8.AppendRune(out, c)
	}
	*t = Text(out)
	return nil
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// Lenient escapes the control bytes that the server passes through in strings, which JSON does not
// allow there.
func Lenient(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	within, escaped := false, false
	for _, c := range raw {
		switch {
		case within && c < ' ':
			out = fmt.Appendf(out, `\u%04x`, c)
			escaped = false
			continue
		case escaped:
			escaped = false
		case within && c == '\\':
			escaped = true
		case c == '"':
			within = !within
		}
		out = append(out, c)
	}
	return out
}

// UnmarshalJSON takes the user's variables out of an object, and leaves the rest.
func (v *Variables) UnmarshalJSON(raw []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	for k, val := range all {
		if k == "" || k[0] != '_' || string(val) == "null" {
			continue
		}
		s, err := flat(val)
		if err != nil {
			return err
		}
		if *v == nil {
			*v = make(Variables)
		}
		(*v)[k[1:]] = s
	}
	return nil
}

func flat(raw json.RawMessage) (string, error) {
	if raw[0] != '[' {
		var t Text
		err := t.UnmarshalJSON(raw)
		return string(t), err
	}
	var list []Text
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", err
	}
	joined := ""
	for i, t := range list {
		if i > 0 {
			joined += ","
		}
		joined += string(t)
	}
	return joined, nil
}
