package dash

import (
	"bytes"
	"cmp"
	"slices"
)

// An editor changes a text at several places.
type editor struct {
	text    []byte
	changes []change
}

type change struct {
	from, to int
	with     string
}

// insert puts text in front of a place.
func (e *editor) insert(at int, text string) { e.changes = append(e.changes, change{at, at, text}) }

// set has the attribute of t have a value, which needs no escaping.
func (e *editor) set(t *tag, name, value string) {
	if a, ok := t.attr(name); ok {
		e.changes = append(e.changes, change{a.from, a.to, value})
		return
	}
	end := t.to - len(">")
	if t.closes {
		end--
	}
	e.insert(end, " "+name+`="`+value+`"`)
}

// remove takes the attribute of t away.
func (e *editor) remove(t *tag, name string) {
	if a, ok := t.attr(name); ok {
		e.changes = append(e.changes, change{from: a.before, to: a.to + len(`"`)})
	}
}

// bytes returns the changed text.
func (e *editor) bytes() []byte {
	slices.SortStableFunc(e.changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	var b bytes.Buffer
	b.Grow(len(e.text) + 1024)
	at := 0
	for _, c := range e.changes {
		b.Write(e.text[at:c.from])
		b.WriteString(c.with)
		at = c.to
	}
	b.Write(e.text[at:])
	return b.Bytes()
}
