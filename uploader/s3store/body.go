package s3store

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// errLongPage is about a page of a list that is larger than a store sends.
var errLongPage = &listError{"the store's list has a page that is too long"}

// readBody reads a body that must be short, and replaces it by what was read.
func (a answer) readBody() (text []byte, tooLong bool, err error) {
	text, err = io.ReadAll(io.LimitReader(a.Body, maxShortBody+1))
	if tooLong = len(text) > maxShortBody; tooLong {
		text = text[:maxShortBody]
	}
	if closeErr := a.Body.Close(); err == nil && !tooLong {
		err = closeErr
	}
	a.Body = io.NopCloser(bytes.NewReader(text))
	return text, tooLong, cut(a.progress, err)
}

// cut returns the error for an answer that breaks off, or nil for nil.
func cut(p *progress, err error) error {
	if err == nil {
		return nil
	}
	_, address := p.now()
	return &UnansweredError{Reading, address, err}
}

// A pageBody is the body of a list. It ends with an error at the limits of a page.
type pageBody struct {
	body      io.ReadCloser
	progress  *progress
	beginning []byte // what peek has read
	bytes     int
	tags      int
	failed    bool
}

// peek returns the beginning of the body. Read returns it again.
func (b *pageBody) peek() (beginning []byte, err error) {
	b.beginning, err = io.ReadAll(io.LimitReader(b.body, peekBytes))
	return b.beginning, cut(b.progress, err)
}

func (b *pageBody) Read(p []byte) (n int, err error) {
	switch {
	case b.failed:
		return 0, io.EOF // the SDK reads to the end, to use the connection again
	case len(b.beginning) > 0:
		n = copy(p, b.beginning)
		b.beginning = b.beginning[n:]
	default:
		n, err = b.body.Read(p)
	}
	b.bytes += n
	b.tags += bytes.Count(p[:n], []byte("<"))
	switch {
	case b.bytes > maxListBody || b.tags > maxListTags:
		n, err = 0, errLongPage
		b.failed = true
	case err != nil && !errors.Is(err, io.EOF):
		err = cut(b.progress, err)
		b.failed = true
	}
	return n, err
}

func (b *pageBody) Close() error { return b.body.Close() }

// rootOf returns the name of the first element in text, or "" if it is not XML.
func rootOf(text []byte) string {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for {
		token, err := d.RawToken()
		if err != nil {
			return ""
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t.Name.Local
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return ""
			}
		}
	}
}

// shortened returns short XML for an error whose text is too long, with its code.
func shortened(text []byte) []byte {
	known := struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Message: "the store's message is too long to be read"}
	code := struct{ Code string }{}
	_ = xml.Unmarshal(text, &code) // fails, as the text is cut; what came before that is set
	known.Code = code.Code
	short, err := xml.Marshal(known)
	if err != nil {
		return nil // an error without a code
	}
	return short
}
