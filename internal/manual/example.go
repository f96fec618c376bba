package manual

import (
	"strings"

	"ems-sidecar/config"
)

const exampleHead = `; ems-sidecar: an example of /etc/ems-sidecar/config.ini
; Generated from the table of keys in package config.
;
; A line that begins with ; or # is a comment. A value may be in single or double quotes. Without
; quotes it ends at a semicolon: put a secret with a semicolon in it in quotes. Write times as
; 500ms, 30s or 2m (a plain number is seconds), and sizes as 64KiB or 8MiB.
;
; Lines such as ";key = value" are optional keys. Remove the semicolon to set one. The value shown
; is the default, unless the text says that it is an example. So it is with ";[Section]": remove
; the semicolon to have it, too.
;
; Test your changes with: ems-sidecar check --config FILE
; Apply them with: systemctl reload ems-sidecar. If the file has a mistake, all stays as it was, and
; the log says why. Else it lists each key that changed. What a change applies to begins after it:
; objects that are in the bucket keep their headers. A few keys need a restart, and say so.
`

// Example returns config.ini.example.
func Example(sections []config.SectionText) string {
	var b strings.Builder
	comment := func(text string) {
		for _, line := range wrapped(text, columns-2) {
			b.WriteString("; " + line + "\n")
		}
	}
	b.WriteString(exampleHead)
	for _, s := range sections {
		b.WriteString("\n; " + strings.Repeat("-", columns-4) + "\n")
		comment(s.About)
		b.WriteString("\n")
		if s.Optional {
			b.WriteString(";")
		}
		b.WriteString("[" + s.Name + "]\n")
		for i, k := range s.Keys {
			if k.About != "" || i == 0 {
				b.WriteString("\n")
			}
			if k.About != "" {
				comment(strings.Join(append([]string{k.About}, remarks(k)...), " "))
			}
			if !k.Preset {
				b.WriteString(";")
			}
			b.WriteString(assignment(k) + "\n")
		}
	}
	return b.String()
}

// remarks are the sentences that end what the example and the man page say of a key.
func remarks(k config.KeyText) (sentences []string) {
	sentences = append(sentences, "Value: "+allowed(k)+".")
	if k.List {
		sentences = append(sentences, "For several, write "+k.Name+"[] = in each of several lines.")
	}
	if k.Empty != "" {
		sentences = append(sentences, "Empty: "+k.Empty+".")
	}
	if k.Restart {
		sentences = append(sentences, "A change needs a restart.")
	}
	if k.Required {
		sentences = append(sentences, "Required.")
	}
	if k.Example != "" && !k.Preset {
		sentences = append(sentences, "Example:")
	}
	return sentences
}

// allowed says which values are right. How times and sizes are written is explained once for all.
func allowed(k config.KeyText) string {
	text := k.Allowed
	for _, kind := range []string{"a time from ", "a size from "} {
		if strings.HasPrefix(text, kind) {
			text, _, _ = strings.Cut(text, ", such as ")
		}
	}
	return text
}

// assignment sets the key to its example or its default.
func assignment(k config.KeyText) string {
	value := k.Example
	if value == "" {
		value = k.Default
	}
	if value == "" {
		value = "''"
	}
	return k.Name + " = " + value
}
