package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Problem is one mistake in a config file. No field ever holds a secret.
type Problem struct {
	File    string
	Line    int    // 0: the file as a whole
	Section string // empty: before the first section
	Key     string // empty: the section or line as a whole
	Value   string // empty: says nothing about the mistake, or must not be shown
	Want    string // what would be right
}

// String returns the problem as one line, such as
//
//	config.ini:12: [S3] delete = "mirrror": must be keep or mirror (did you mean mirror?)
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(printable(p.File))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(":")
	if p.Section != "" {
		fmt.Fprintf(&b, " [%s]", printable(p.Section))
	}
	if p.Key != "" {
		b.WriteString(" " + printable(p.Key))
	}
	if p.Value != "" {
		fmt.Fprintf(&b, " = %s", quote(p.Value))
	}
	if p.Section != "" || p.Key != "" {
		b.WriteString(":")
	}
	b.WriteString(" " + p.Want)
	return b.String()
}

// Error holds every mistake of one file, ordered by line.
type Error struct{ Problems []Problem }

// Error returns one line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	for _, p := range e.Problems {
		b.WriteString(p.String() + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func inOrder(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Line - b.Line })
	return problems
}

// quote puts a value in quotes, without escapes unless they are needed: so a Windows path looks as
// it was written.
func quote(s string) string {
	cut := ""
	if len(s) > maxShownValue {
		s, cut = s[:maxShownValue], "…"
	}
	if strings.ContainsRune(s, '"') || strings.ContainsFunc(s, hidden) {
		return strconv.Quote(s) + cut
	}
	return `"` + s + `"` + cut
}

// printable keeps the name of a section or a key on one line, whatever it is.
func printable(s string) string {
	if strings.ContainsFunc(s, hidden) {
		return strconv.Quote(s)
	}
	return s
}

func hidden(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
