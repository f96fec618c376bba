package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// errOverrun is wrapped by errors about fields and boxes that exceed what they are in.
var errOverrun = errors.New("it goes beyond the end")

// A box is a piece of an F4V file (F4V file format specification 10.1, section 1.3).
type box struct {
	name    string
	openEnd bool // it has no size, and ends with the file
	fields
}

// nextBox reads the box at the beginning of b. With an error, its name is known or empty.
func nextBox(b []byte) (first box, rest []byte, err error) {
	if len(b) < 8 {
		return box{}, nil, errOverrun
	}
	first.name = string(b[4:8])
	size, header := uint64(binary.BigEndian.Uint32(b)), uint64(8)
	switch size {
	case 0:
		first.openEnd = true
		size = uint64(len(b))
	case 1:
		header = 16
		if len(b) < 16 {
			return first, nil, errOverrun
		}
		size = binary.BigEndian.Uint64(b[8:])
	}
	switch {
	case size < header:
		return first, nil, fmt.Errorf("the size of %d bytes has no room for the header", size)
	case size > uint64(len(b)):
		return first, nil, errOverrun
	}
	first.fields.b = b[header:size]
	return first, b[size:], nil
}

// fields are read in order. After the first error they are 0 and empty.
type fields struct {
	b   []byte
	err error
}

// take returns the next n bytes. n is small.
func (f *fields) take(n int) []byte {
	if len(f.b) < n {
		f.fail(errOverrun)
		return make([]byte, n)
	}
	taken := f.b[:n]
	f.b = f.b[n:]
	return taken
}

func (f *fields) fail(err error) {
	f.b = nil
	if f.err == nil {
		f.err = err
	}
}

func (f *fields) byte() byte     { return f.take(1)[0] }
func (f *fields) uint32() uint64 { return uint64(binary.BigEndian.Uint32(f.take(4))) }
func (f *fields) uint64() uint64 { return binary.BigEndian.Uint64(f.take(8)) }

// skipTexts skips n strings, each of which ends in a 0.
func (f *fields) skipTexts(n byte) {
	for range n {
		_, rest, ok := bytes.Cut(f.b, []byte{0})
		if !ok {
			f.fail(errOverrun)
			return
		}
		f.b = rest
	}
}

// box reads a box that must be called name.
func (f *fields) box(name string) fields {
	inner, rest, err := nextBox(f.b)
	switch {
	case inner.name != "" && inner.name != name:
		f.fail(fmt.Errorf("it has a box %.4q where %s is expected", inner.name, name))
	case err != nil:
		f.fail(fmt.Errorf("%s: %w", name, err))
	default:
		f.b = rest
	}
	return fields{inner.fields.b, f.err}
}
