// Package manual writes what explains the program, from what the program itself uses: the example
// of the config, its reference and its man page from the table of keys, and those of the commands
// from the model of the command line. Only tests use it: they write the files, and compare them.
package manual

import (
	"strings"
	"unicode/utf8"
)

// columns is how long a line of a text is at most.
const columns = 100

// wrapped splits a text into lines of at most so many columns.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
