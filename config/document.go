package config

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/ini.v1"
)

// document is a config file as sections, keys and raw values, each with its line.
type document struct {
	file     string
	sections []*section // in the file's order, each name once
}

type section struct {
	name    string
	line    int // of its first header
	entries []entry
}

// entry is one key = value line. The value is as written, with quotes and comments.
type entry struct {
	line int
	name string
	list bool // written as name[]
	raw  string
}

// find returns nil if the file has no such section.
func (d *document) find(name string) *section {
	for _, s := range d.sections {
		if s.name == name {
			return s
		}
	}
	return nil
}

// lineOf returns the line of a key's first entry, and 0 if the section does not have it.
func (s *section) lineOf(key string) int {
	if s == nil {
		return 0
	}
	for _, e := range s.entries {
		if e.name == key {
			return e.line
		}
	}
	return 0
}

// readDocument splits a file into its sections and keys, and reports the lines that are neither.
func readDocument(file string, raw []byte) (*document, []Problem) {
	doc := &document{file: file}
	if len(raw) > maxFile {
		want := fmt.Sprintf("must be a config file, not one of over %s", bytesText(maxFile))
		return doc, []Problem{{File: file, Want: want}}
	}
	if bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return doc, []Problem{{File: file, Line: 1, Want: "must be UTF-8 text, not UTF-16"}}
	}
	text, problems := numbered(file, string(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))))

	parsed, err := ini.LoadSources(ini.LoadOptions{
		KeyValueDelimiters:      "=",  // a colon is part of a URL, never a delimiter
		IgnoreContinuation:      true, // a Windows path may end in a backslash
		IgnoreInlineComment:     true, // in quotes, ; and # belong to the value: see phpValue
		PreserveSurroundedQuote: true, // for phpValue
	}, []byte(text))
	if err != nil {
		// The error cites the line, which may have a secret in it.
		return doc, append(problems, Problem{File: file, Want: "must be an INI file"})
	}
	for _, is := range parsed.Sections() {
		line, name, ok := cutNumber(is.Name())
		if !ok {
			continue // ini.v1's own DEFAULT, which is empty
		}
		s := doc.find(name)
		if s == nil {
			s = &section{name: name, line: line}
			doc.sections = append(doc.sections, s)
		}
		for _, key := range is.Keys() {
			line, name, _ := cutNumber(key.Name())
			name, list := strings.CutSuffix(name, "[]")
			e := entry{line: line, name: strings.TrimSpace(name), list: list, raw: key.Value()}
			s.entries = append(s.entries, e)
		}
	}
	return doc, problems
}

// numbered returns the file for ini.v1: with the line number before each section and key, and
// without the lines at which ini.v1 would stop, or which it would misread.
//
// ini.v1 has no line numbers. It ends at the first bad line, and keeps one value of a key, or with
// its shadows drops the empty ones. It gives a meaning to [DEFAULT], to a key "-" and to quotes
// around a key, and a value that begins with """ or ` continues on the next lines. With a number
// before it, each name is unique and ordinary.
func numbered(file, text string) (string, []Problem) {
	n := numberer{file: file}
	for line := range strings.Lines(text) {
		n.line++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || isComment(line):
		case line[0] == '[':
			n.header(line)
		default:
			n.entry(line)
		}
	}
	return n.numbered.String(), n.problems
}

// A numberer writes the numbered lines of a file.
type numberer struct {
	file     string
	line     int
	section  string // empty: before the first one
	numbered strings.Builder
	problems []Problem
}

func (n *numberer) bad(key, want string) {
	n.problems = append(n.problems, Problem{File: n.file, Line: n.line, Section: n.section, Key: key, Want: want})
}

func (n *numberer) header(line string) {
	name, rest, closed := strings.Cut(line[1:], "]")
	name, rest = strings.Join(strings.Fields(name), " "), strings.TrimSpace(rest)
	if !closed || name == "" || rest != "" && !isComment(rest) {
		n.bad("", "must be the name of a section in brackets, such as [S3]")
		return
	}
	n.section = name
	fmt.Fprintf(&n.numbered, "[%d %s]\n", n.line, name)
}

// entry writes a line with a key. The line is never shown: it may be half a secret.
func (n *numberer) entry(line string) {
	name, value, ok := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case !ok || name == "":
		n.bad("", "must be key = value, a [Section], or a comment that begins with ;")
	case n.section == "":
		n.bad(shownKey(name), "must be below a [Section]")
	case strings.HasPrefix(value, `"""`) || strings.HasPrefix(value, "`"):
		n.bad(shownKey(name), "must be in single or double quotes, on one line")
	default:
		fmt.Fprintf(&n.numbered, "%d %s = %s\n", n.line, name, value)
	}
}

func isComment(text string) bool { return text[0] == ';' || text[0] == '#' }

func cutNumber(name string) (line int, rest string, ok bool) {
	number, rest, ok := strings.Cut(name, " ")
	line, err := strconv.Atoi(number)
	return line, rest, ok && err == nil
}

// shownKey returns a key as messages show it. It hides what can hardly be a key: a line of a
// wrapped secret may have an = in it, too.
func shownKey(name string) string {
	name, list := strings.CutSuffix(name, "[]")
	odd := func(r rune) bool {
		return !isAlphanumeric(r) && !strings.ContainsRune("_-. ", r)
	}
	if len(name) > maxShownKey || strings.ContainsFunc(name, odd) {
		return mask
	}
	if list {
		name += "[]"
	}
	return name
}
