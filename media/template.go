package media

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A template is the pattern of the URIs of segments, in parts.
type template []part

type part struct {
	is    placeholder
	text  string // of a literal
	width uint8  // numbers are padded with zeros to it
}

type placeholder uint8

const (
	literal placeholder = iota
	idPart
	bandwidthPart
	numberPart
	timePart
	unknownPart // players replace it, but we do not know by what
)

// values replace the placeholders of a template.
type values struct {
	id        string // or custom attributes
	bandwidth uint64
	number    uint64
	time      uint64
}

// expand returns the URI for the values v.
func (t template) expand(v values) string {
	b := make([]byte, 0, 64)
	for _, p := range t {
		switch p.is {
		case literal:
			b = append(b, p.text...)
		case idPart:
			b = append(b, v.id...)
		case bandwidthPart:
			b = appendPadded(b, v.bandwidth, p.width)
		case numberPart:
			b = appendPadded(b, v.number, p.width)
		case timePart:
			b = appendPadded(b, v.time, p.width)
		}
	}
	return string(b)
}

func appendPadded(b []byte, n uint64, width uint8) []byte {
	var buffer [20]byte
	digits := strconv.AppendUint(buffer[:0], n, 10)
	for range int(width) - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

// String returns t as it is written, as far as it is known.
func (t template) String() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(map[placeholder]string{literal: p.text, idPart: "$RepresentationID$", bandwidthPart: "$Bandwidth$",
			numberPart: "$Number$", timePart: "$Time$", unknownPart: "$?$"}[p.is])
	}
	return b.String()
}

// check returns an error if the URIs of t are too long with this id.
func (t template) check(id string) error {
	n := 0
	for _, p := range t {
		n += len(p.text)
		if p.is == idPart {
			n += len(id)
		}
	}
	return checkLength(n)
}

// isKnown reports whether all parts of t are known.
func (t template) isKnown() bool {
	return !slices.ContainsFunc(t, func(p part) bool { return p.is == unknownPart })
}

// blank reports whether the URIs of t are empty.
func (t template) blank(id string) bool {
	return !slices.ContainsFunc(t, func(p part) bool { return p.is != idPart || id != "" })
}

// UnmarshalXMLAttr reads DASH's form, `$Number%05d$` (ISO/IEC 23009-1, section 5.3.9.4.4). What it
// does not know, such as $SubNumber$ of later editions, is no reason to refuse the manifest.
func (t *template) UnmarshalXMLAttr(a xml.Attr) error {
	if err := checkLength(len(a.Value)); err != nil {
		return fmt.Errorf("%s: %w", a.Name.Local, err)
	}
	*t = nil
	rest := a.Value
	for rest != "" {
		text, behind, found := strings.Cut(rest, "$")
		if text != "" {
			*t = append(*t, part{text: text})
		}
		if !found {
			break
		}
		identifier, behind, closed := strings.Cut(behind, "$")
		p, ok := dashIdentifier(identifier)
		if !ok || !closed {
			p = part{is: unknownPart}
		}
		*t = append(*t, p)
		rest = behind
	}
	return nil
}

func dashIdentifier(s string) (p part, ok bool) {
	name, format, formatted := strings.Cut(s, "%")
	switch name {
	case "":
		return part{text: "$"}, !formatted
	case "RepresentationID":
		return part{is: idPart}, !formatted
	case "Bandwidth":
		p.is = bandwidthPart
	case "Number":
		p.is = numberPart
	case "Time":
		p.is = timePart
	default:
		return part{}, false
	}
	if !formatted {
		return p, true
	}
	// Only %0[width]d is allowed.
	digits, isDecimal := strings.CutSuffix(format, "d")
	digits, isPadded := strings.CutPrefix(digits, "0")
	width, err := strconv.ParseUint(digits, 10, 8)
	if !isDecimal || !isPadded || err != nil {
		return part{}, false
	}
	p.width = uint8(width)
	return p, true
}

// mssTemplate reads Smooth Streaming's form, `{bitrate}` ([MS-SSTR], section 2.2.2.4). It leaves
// unknown placeholders as they are.
func mssTemplate(s string) (t template, err error) {
	if err := checkLength(len(s)); err != nil {
		return nil, err
	}
	for s != "" {
		text, behind, found := strings.Cut(s, "{")
		name, rest, closed := strings.Cut(behind, "}")
		if text != "" {
			t = append(t, part{text: text})
		}
		if !found {
			break
		}
		if !closed {
			return append(t, part{text: "{" + behind}), nil
		}
		switch name {
		case "bitrate", "Bitrate":
			t = append(t, part{is: bandwidthPart})
		case "start time", "start_time":
			t = append(t, part{is: timePart})
		case "CustomAttributes":
			t = append(t, part{is: idPart})
		default:
			t = append(t, part{text: "{" + name + "}"})
		}
		s = rest
	}
	return t, nil
}
