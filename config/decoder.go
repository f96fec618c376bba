package config

import (
	"fmt"
	"slices"
	"strings"
)

// decoder puts the values of a document into settings, and collects what is wrong.
type decoder struct {
	doc      *document
	unknown  *directory
	problems []Problem
	secrets  []keptSecret
	hidden   []string  // secrets, and parts of values that are
	strict   bool      // a secret that others can read is a mistake
	warnings []Problem // of what works, and is probably not meant
}

// bad reports a problem with a section's key, at the line of the key or else of the section. Each
// key is reported once: a mistake in the value itself comes first, and a mistake in a default that
// several sections share is one.
func (d *decoder) bad(sectionName, keyName, value, want string) {
	if keyName != "" && d.wrong(sectionName, keyName) {
		return
	}
	d.problems = append(d.problems, d.problem(sectionName, keyName, value, want))
}

// warn reports what works, and is probably not meant.
func (d *decoder) warn(sectionName, keyName, value, want string) {
	d.warnings = append(d.warnings, d.problem(sectionName, keyName, value, want))
}

func (d *decoder) problem(sectionName, keyName, value, want string) Problem {
	p := Problem{File: d.doc.file, Section: sectionName, Key: keyName, Value: value, Want: want}
	if s := d.doc.find(sectionName); s != nil {
		p.Line = s.line
		if n := s.lineOf(keyName); n > 0 {
			p.Line = n
		}
	}
	return p
}

// has reports whether the file has the section.
func (d *decoder) has(section string) bool { return d.doc.find(section) != nil }

// sets reports whether the file has the key in this section itself.
func (d *decoder) sets(section, key string) bool { return d.doc.find(section).lineOf(key) > 0 }

// fills reports whether the file has the key in this section itself, with a value.
func (d *decoder) fills(section, key string) bool {
	s := d.doc.find(section)
	return s != nil && slices.ContainsFunc(s.entries, func(e entry) bool {
		value, _ := phpValue(e.raw)
		return e.name == key && value != ""
	})
}

// wrong reports whether a problem with the key is known.
func (d *decoder) wrong(section, key string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool {
		return p.Section == section && strings.TrimSuffix(p.Key, "[]") == key
	})
}

// half is one of two keys that need each other.
type half struct {
	section, key string
	filled       bool
}

// pair reports a half without the other.
func (d *decoder) pair(a, b half) {
	if a.filled == b.filled || d.wrong(a.section, a.key) || d.wrong(b.section, b.key) {
		return
	}
	if b.filled {
		a, b = b, a
	}
	d.bad(a.section, a.key, "", "is half a pair: set "+b.key+", too")
}

// decode sets what the file has in one section. If the file lacks the section, its defaults stay.
func (d *decoder) decode(name string, keys []key) {
	s := d.doc.find(name)
	if s == nil {
		return
	}
	known := make(map[string]key, len(keys))
	for _, k := range keys {
		known[k.name] = k
	}
	first := make(map[string]entry)
	for _, e := range s.entries {
		k, ok := known[e.name]
		p := Problem{File: d.doc.file, Line: e.line, Section: name, Key: e.written()}
		if !ok {
			// The value is not shown: a mistyped aws_secret_key is an unknown key, too.
			p.Key = shownKey(p.Key)
			p.Want = d.unknown.wantKey(name, e.name)
			d.problems = append(d.problems, p)
			continue
		}
		before, again := first[e.name]
		if !again {
			first[e.name] = e
		}
		if p.Want = repeated(k, before, e, again); p.Want == "" {
			var value string
			if value, p.Want = phpValue(e.raw); p.Want != "" {
				p.Value = k.shown(e.raw)
			} else if value == "" && k.list && !e.list {
				continue // an empty list; an empty item of one is a mistake
			} else if p.Want = k.set(value); p.Want != "" {
				p.Value = k.shownOf(e.raw, value)
			} else {
				d.keep(k, value, p)
				d.hideLater(k, value)
				if doubt := k.doubt(e.raw, value); doubt != "" {
					p.Value, p.Want = k.shown(value), doubt
					d.warnings = append(d.warnings, p)
					continue
				}
			}
		}
		if p.Want != "" {
			d.problems = append(d.problems, p)
		}
	}
}

// repeated returns what is wrong with the form of a key, by itself or after the same key before.
func repeated(k key, before, e entry, again bool) (want string) {
	switch {
	case e.list && !k.list:
		return "has one value: write " + e.name + " ="
	case again && k.list && !(before.list && e.list):
		return fmt.Sprintf("is set in line %d already: for several values, write %s[] = in each line",
			before.line, e.name)
	case again && !k.list:
		return fmt.Sprintf("is set in line %d already", before.line)
	}
	return ""
}

// require reports the keys that an enabled section lacks.
func (d *decoder) require(section string, keys []key) {
	if !d.has(section) {
		return // which is reported by itself
	}
	for _, k := range keys {
		set := d.fills(section, k.name) || k.blank && d.sets(section, k.name)
		if k.required != "" && !set {
			d.bad(section, k.name, "", "is missing: "+k.required)
		}
	}
}

// unknownSections reports the sections that nothing reads. Their keys would only repeat the
// mistake, and are not reported.
func (d *decoder) unknownSections() {
	for _, s := range d.doc.sections {
		if !d.unknown.knows(s.name) {
			d.bad(s.name, "", "", d.unknown.wantSection(s.name))
		}
	}
}

// written returns the key as the file has it.
func (e entry) written() string {
	if e.list {
		return e.name + "[]"
	}
	return e.name
}
