package hls

import (
	"slices"
	"strconv"
	"strings"
)

// A Key is one EXT-X-KEY that is in effect.
type Key struct {
	Method, URI, Format, IV string

	line string // without its end
}

// A Map is an EXT-X-MAP that is in effect.
type Map struct {
	URI   string
	Range Range // Length 0: the whole file

	line string
	keys []Key // in effect where it stands: they apply to it (RFC 8216, section 4.3.2.4)
}

// An effect is what EXT-X-KEY and EXT-X-MAP lines have set for the segments that follow. nil is
// what is in effect where a playlist begins.
type effect struct {
	keys []Key // one for each KEYFORMAT
	init *Map
}

// numbered says whether the initialization vector is the media sequence number: the key has none of
// its own (RFC 8216, section 5.2).
func (k *Key) numbered() bool {
	return k.IV == "" && k.Format == identity && (k.Method == "AES-128" || k.Method == "SAMPLE-AES")
}

func (e *effect) numbered() bool {
	return e != nil && slices.ContainsFunc(e.keys, func(k Key) bool { return k.numbered() })
}

// after returns what is in effect behind a line.
func (e *effect) after(line string) *effect {
	tag, value := tagOf(line)
	switch tag {
	case tagKey:
		return e.withKey(tag, value)
	case tagMap:
		return e.withMap(tag, value)
	}
	return e
}

// afterAll returns what is in effect behind the lines of text.
func (e *effect) afterAll(text string) *effect {
	for line := range lines(text) {
		e = e.after(line)
	}
	return e
}

func (e *effect) withKey(tag, value string) *effect {
	k := Key{Format: identity, line: tag + ":" + value}
	for name, a := range attributes(value) {
		switch name {
		case "METHOD":
			k.Method = a.unquoted()
		case "URI":
			k.URI = a.unquoted()
		case "KEYFORMAT":
			k.Format = a.unquoted()
		case "IV":
			k.IV = a.unquoted()
		}
	}
	next := &effect{init: e.initMap()}
	if k.Method == "NONE" { // ends all: players do not ask for the KEYFORMAT here
		return next.orNil()
	}
	next.keys = make([]Key, 0, len(e.allKeys())+1)
	for _, other := range e.allKeys() {
		if other.Format != k.Format {
			next.keys = append(next.keys, other)
		}
	}
	next.keys = append(next.keys, k)
	return next
}

func (e *effect) withMap(tag, value string) *effect {
	m := &Map{line: tag + ":" + value, keys: e.allKeys()}
	for name, a := range attributes(value) {
		switch name {
		case "URI":
			m.URI = a.unquoted()
		case "BYTERANGE":
			m.Range, _, _ = parseRange(a.unquoted())
		}
	}
	return &effect{keys: m.keys, init: m}
}

func (e *effect) initMap() *Map {
	if e == nil {
		return nil
	}
	return e.init
}

func (e *effect) allKeys() []Key {
	if e == nil {
		return nil
	}
	return e.keys
}

func (e *effect) orNil() *effect {
	if len(e.keys) == 0 && e.init == nil {
		return nil
	}
	return e
}

func sameKeys(a, b []Key) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(k Key) bool { return !slices.Contains(b, k) })
}

func sameMap(a, b *Map) bool {
	return a == b || a != nil && b != nil && a.line == b.line && sameKeys(a.keys, b.keys)
}

func (e *effect) same(f *effect) bool {
	return e == f || sameKeys(e.allKeys(), f.allKeys()) && sameMap(e.initMap(), f.initMap())
}

// restated returns the lines that must stand before text so that want is in effect behind it, where
// have is in effect before, and text was written for a place where before was.
func restated(have, before, want *effect, text, eol string) string {
	if have.afterAll(text).same(want) {
		return ""
	}
	// Most often, text states all keys by itself, or the map, and only the rest is missing.
	states := func(f string) bool {
		return slices.ContainsFunc((*effect)(nil).afterAll(text).allKeys(), func(k Key) bool { return k.Format == f })
	}
	all := func(string) bool { return false }
	for _, try := range []struct {
		init    *Map
		without func(format string) bool
	}{{nil, states}, {before.initMap(), states}, {nil, all}} {
		if short := change(have, try.init, before.allKeys(), try.without, eol); have.afterAll(short + text).same(want) {
			return short
		}
	}
	return change(have, before.initMap(), before.allKeys(), all, eol)
}

// change returns the lines that bring the map and the keys into effect where have is. Keys of
// formats for which without returns true are left as they are.
func change(have *effect, init *Map, keys []Key, without func(string) bool, eol string) string {
	var b strings.Builder
	state := func(keys []Key) {
		if slices.ContainsFunc(have.allKeys(), func(k Key) bool {
			return !without(k.Format) && !slices.ContainsFunc(keys, func(l Key) bool { return l.Format == k.Format })
		}) {
			b.WriteString(tagKey + ":METHOD=NONE" + eol)
			have = (&effect{init: have.initMap()}).orNil()
		}
		for _, k := range keys {
			if !without(k.Format) && !slices.Contains(have.allKeys(), k) {
				b.WriteString(k.line + eol)
				have = have.after(k.line)
			}
		}
	}
	if init != nil && !sameMap(init, have.initMap()) {
		all := without
		without = func(string) bool { return false }
		state(init.keys)
		without = all
		b.WriteString(init.line + eol)
		have = have.after(init.line)
	}
	state(keys)
	return b.String()
}

// withVectors returns text with the initialization vectors stated that are the number n otherwise.
// e is in effect for the segment.
func withVectors(text string, e *effect, n uint64, eol string) string {
	var b strings.Builder
	vector := ",IV=0x" + strings.Repeat("0", 16) + hex16(n)
	own := false
	for line := range lines(text) {
		if tag, _ := tagOf(line); tag == tagKey {
			keys := (*effect)(nil).after(line).allKeys()
			if len(keys) == 1 && keys[0].numbered() {
				line = keys[0].line + vector + ending(line)
				own = true
			}
		}
		b.WriteString(line)
	}
	if own {
		return b.String()
	}
	for _, k := range e.allKeys() {
		if k.numbered() {
			return k.line + vector + eol + text
		}
	}
	return text
}

func uint64String(n uint64) string { return strconv.FormatUint(n, 10) }

func hex16(n uint64) string {
	s := strconv.FormatUint(n, 16)
	return strings.Repeat("0", 16-len(s)) + s
}
