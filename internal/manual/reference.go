package manual

import (
	"fmt"
	"strings"

	"ems-sidecar/config"
)

const referenceHead = `# Reference: config.ini

Generated from the table of keys in package config, which also decides what a file may have.

A line is ` + "`key = value`, a `[Section]`, or a comment that begins with `;` or `#`" + `. A value may be
in single or double quotes; without them it ends at a semicolon. Times are written as 500ms, 30s or
2m (a plain number is seconds), sizes as 64KiB or 8MiB. ` + "`ems-sidecar check`" + ` tests a file, and
` + "`ems-sidecar config show`" + ` prints what holds, and why.
`

// Reference returns docs/config.md.
func Reference(sections []config.SectionText) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	paragraph := func(text string) {
		b.WriteString("\n" + strings.Join(wrapped(text, columns), "\n") + "\n")
	}
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## [%s]\n", s.Name)
		paragraph(markdown(s.About))
		for _, k := range s.Keys {
			fmt.Fprintf(&b, "\n### %s\n", k.Name)
			if k.About != "" {
				paragraph(markdown(k.About))
			}
			paragraph(markdown(facts(k)))
			if k.Example != "" {
				fmt.Fprintf(&b, "\n```ini\n[%s]\n%s\n```\n", s.Name, assignment(k))
			}
		}
	}
	return b.String()
}

// facts are what the reference says of each key in the same words.
func facts(k config.KeyText) string {
	sentences := []string{"Value: " + allowed(k) + "."}
	switch {
	case k.Required:
		sentences = append(sentences, "Required.")
	case k.Default != "":
		sentences = append(sentences, "Default: "+k.Default+".")
	case k.Empty == "":
		sentences = append(sentences, "Default: empty.")
	}
	if k.Empty != "" {
		sentences = append(sentences, "Empty: "+k.Empty+".")
	}
	if k.List {
		sentences = append(sentences, "Several values: "+k.Name+"[] = in each of several lines.")
	}
	if k.Restart {
		sentences = append(sentences, "A change needs a restart.")
	}
	if k.Secret {
		sentences = append(sentences, "Secret: no message, log or answer shows it.")
	}
	if k.Older {
		sentences = append(sentences, "EvoStream's web services have it, too.")
	}
	return strings.Join(sentences, " ")
}

// markdown keeps characters of a plain text from being marks.
func markdown(text string) string {
	return strings.NewReplacer("*", `\*`, "_", `\_`, "<", "&lt;", "[", `\[`, "`", "\\`").Replace(text)
}
