package media

import (
	"path"
	"strconv"
	"strings"
)

// A Series is the segments of one track of which a manifest tells what they are called and how long
// they last, but not which of them exist: a player asks its clock. Those exist for us that are on
// the disk, in the order of the numbers in their names.
type Series struct {
	base   *mpdBase
	media  template
	values values

	byTime         bool // the names have times and not numbers
	least          uint64
	begin          uint64 // when the segment least begins, in milliseconds
	per, timescale uint64 // how long it takes from one number to the next
}

// String returns the pattern as the manifest has it.
func (s Series) String() string { return s.media.String() }

// A Pattern is what the names of a series have in common: Before + number + After in the directory
// Dir.
type Pattern struct {
	Dir, Before, After string
	width              uint8 // numbers are padded with zeros to it
}

// Patterns returns the patterns of s, one for each alternative place below the root, of a manifest with
// these names. ok is false if names of one place cannot be ordered.
func (s Series) Patterns(names *Names) (patterns []Pattern, ok bool) {
	before, after, width, ok := s.media.around(s.values)
	if !ok {
		return nil, false
	}
	ok = true
	s.base.each(before+"0"+after, func(zero string) bool {
		p := names.decoded(zero)
		one := "" // the same with another number: where the two differ is the number
		s.base.each(before+"1"+after, func(uri string) bool {
			if len(uri) == len(zero) && differAtOne(zero, uri) {
				one = names.decoded(uri)
			}
			return one == ""
		})
		if p == "" || one == "" {
			return true // of another host, or outside of the root
		}
		at := 0
		for at < len(p) && at < len(one) && p[at] == one[at] {
			at++
		}
		if at == len(p) || path.Dir(p) != path.Dir(one) {
			ok = false // the number is in the name of a directory, or behind a ?
			return true
		}
		name := at - (len(p) - len(path.Base(p)))
		patterns = append(patterns, Pattern{path.Dir(p), path.Base(p)[:name], path.Base(p)[name+1:], width})
		return true
	})
	return patterns, ok
}

// decoded returns the path below the root that uri means, without its query.
func (n *Names) decoded(uri string) string {
	p, _ := n.File(uri, func(string) bool { return false })
	return p
}

func differAtOne(a, b string) bool {
	n := 0
	for i := range len(a) {
		if a[i] != b[i] {
			n++
		}
	}
	return n == 1
}

// Number returns the number in name, which is that of a file in p.Dir.
func (p Pattern) Number(name string) (n uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, p.Before)
	if !ok {
		return 0, false
	}
	if digits, ok = strings.CutSuffix(digits, p.After); !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || digits != string(appendPadded(nil, n, p.width)) {
		return 0, false
	}
	return n, true
}

// Begins returns when the segment n begins, as [Manifest.Sequence] has it. ok is false if n is before
// the first one of s.
func (s Series) Begins(n uint64) (ms uint64, ok bool) {
	if n < s.least {
		return 0, false
	}
	return plus(s.begin, scaled(product(n-s.least, s.per), 1000, s.timescale)), true
}

// Found returns m with n segments of its series, of which the first and the last begin at these times.
func (m Manifest) Found(n int, first, last uint64) Manifest {
	if n == 0 {
		return m
	}
	if m.Segments == 0 {
		m.Sequence, m.Last = first, last
	}
	m.Sequence, m.Last = min(m.Sequence, first), max(m.Last, last)
	m.Segments += n
	return m
}

// around returns what is before and behind the only number or time in the names of t. ok is false if
// there are more of them, or parts that are not known.
func (t template) around(v values) (before, after string, width uint8, ok bool) {
	at := -1
	for i, p := range t {
		switch p.is {
		case unknownPart:
			return "", "", 0, false
		case numberPart, timePart:
			if at >= 0 {
				return "", "", 0, false
			}
			at = i
		}
	}
	if at < 0 {
		return "", "", 0, false
	}
	return t[:at].expand(v), t[at+1:].expand(v), t[at].width, true
}
