package media

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// decodeXML reads the one document in b into v. Its root element must be called root, in any
// namespace.
func decodeXML(b []byte, root string, v any) error {
	if err := checkXML(b); err != nil {
		return err
	}
	b = trimHalfRune(bytes.TrimPrefix(b, []byte("\ufeff")))
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = readerOf
	for whole := false; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && whole {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("it ends before its %s element: %w", root, ErrIncomplete)
		}
		if err != nil {
			return cut(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return fmt.Errorf("it has text outside its %s element", root)
			}
		case xml.StartElement:
			if token.Name.Local != root || whole {
				return fmt.Errorf("it has <%.40s> where only one <%s> is expected", token.Name.Local, root)
			}
			if err := d.DecodeElement(v, &token); err != nil {
				return cut(err)
			}
			whole = true
		}
	}
}

// readerOf returns a reader of a document that declares another encoding than UTF-8. Players read all
// as UTF-8, whatever it declares, and so do we: names are ASCII in all that writers use. A character
// of another encoding can only be in a text for people, such as a title.
func readerOf(encoding string, r io.Reader) (io.Reader, error) {
	for _, wide := range []string{"utf-16", "utf-32", "iso-10646"} {
		if strings.HasPrefix(strings.ToLower(encoding), wide) {
			return nil, fmt.Errorf("its encoding is %.20s", encoding)
		}
	}
	b, err := io.ReadAll(r)
	return bytes.NewReader(bytes.ToValidUTF8(b, []byte("\ufffd"))), err
}

// cut returns err, or if the decoder met the end of its input, an error that wraps ErrIncomplete.
func cut(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) && strings.HasPrefix(syntax.Msg, "unexpected EOF") {
		return fmt.Errorf("it ends in line %d: %w", syntax.Line, ErrIncomplete)
	}
	return err
}

// trimHalfRune removes an incomplete UTF-8 sequence from the end of b. Otherwise a file that was
// cut within one would count as one with invalid text.
func trimHalfRune(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if end := b[len(b)-n:]; utf8.RuneStart(end[0]) {
			if !utf8.FullRune(end) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// A number is an attribute of the type xs:unsignedLong or a narrower one.
type number struct {
	n   uint64
	set bool
}

func (v *number) UnmarshalXMLAttr(a xml.Attr) error {
	n, err := strconv.ParseUint(strings.TrimSpace(a.Value), 10, 64)
	if err != nil {
		return fmt.Errorf("%s: %.40q is not a number in range", a.Name.Local, a.Value)
	}
	*v = number{n, true}
	return nil
}

// An offset is a number that some writers make negative: it is 0 then.
type offset struct {
	number
	negative bool
}

func (v *offset) UnmarshalXMLAttr(a xml.Attr) error {
	if rest, negative := strings.CutPrefix(strings.TrimSpace(a.Value), "-"); negative {
		a.Value = rest
		err := v.number.UnmarshalXMLAttr(a)
		v.n, v.negative = 0, v.n > 0
		return err
	}
	return v.number.UnmarshalXMLAttr(a)
}

func (v number) or(other uint64) uint64 {
	if v.set {
		return v.n
	}
	return other
}

// A span is an attribute of the type xs:duration.
type span struct {
	d   time.Duration
	set bool
}

var (
	xsDuration = regexp.MustCompile(
		`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d*)?)S)?)?$`)
	// A year and a month have no fixed length; players use these.
	xsUnits = [...]time.Duration{
		365 * 24 * time.Hour, 30 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second,
	}
)

func (v *span) UnmarshalXMLAttr(a xml.Attr) error {
	value := strings.TrimSpace(a.Value)
	fields := xsDuration.FindStringSubmatch(value)
	if fields == nil {
		return fmt.Errorf("%s: %.40q is not a duration", a.Name.Local, a.Value)
	}
	*v = span{set: true}
	for i, unit := range xsUnits {
		if fields[i+1] == "" {
			continue
		}
		whole, fraction, _ := strings.Cut(fields[i+1], ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil || n > int64(maxSpan/unit) {
			return fmt.Errorf("%s: %.40q is too long", a.Name.Local, a.Value)
		}
		v.d += time.Duration(n) * unit
		if fraction != "" { // only of seconds
			n, _ := time.ParseDuration("0." + fraction + "s") // of digits
			v.d += n
		}
	}
	if v.d > maxSpan {
		return fmt.Errorf("%s: %.40q is too long", a.Name.Local, a.Value)
	}
	return nil
}
