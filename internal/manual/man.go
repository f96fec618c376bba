package manual

import (
	"fmt"
	"strings"

	"ems-sidecar/config"
)

// The man pages use the macros of man(7) only, so that groff and mandoc read them alike.
const (
	manColumns = 70 // of a line of their source; what is escaped grows
	manDate    = "2026-11-30"
)

// roff makes a plain text one of groff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "…", "...", "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// roffText is roff for a paragraph, in lines of their own.
func roffText(text string) string {
	lines := wrapped(text, manColumns)
	for i, line := range lines {
		lines[i] = roff(line)
	}
	return strings.Join(lines, "\n") + "\n"
}

const configHead = `.TH EMS\-SIDECAR\-CONFIG 5 ` + manDate + ` ems\-sidecar
.SH NAME
ems\-sidecar\-config \- the config file of ems\-sidecar
.SH SYNOPSIS
.I /etc/ems\-sidecar/config.ini
.SH DESCRIPTION
A line is
.IR "key = value" ,
a [Section], or a comment that begins with ; or #.
A value may be in single or double quotes; without them it ends at a semicolon.
Times are written as 500ms, 30s or 2m (a plain number is seconds),
sizes as 64KiB or 8MiB.
.PP
.B ems\-sidecar check
tests a file, and
.B ems\-sidecar config show
prints what holds, and why.
`

const configTail = `.SH FILES
.TP
.I /etc/ems\-sidecar/config.ini
The config.
It must not be readable by every user if it has secrets.
.SH SEE ALSO
.BR ems\-sidecar (1)
`

// ConfigPage returns the man page ems-sidecar-config(5).
func ConfigPage(sections []config.SectionText) string {
	var b strings.Builder
	b.WriteString(configHead)
	for _, s := range sections {
		fmt.Fprintf(&b, ".SH [%s]\n%s", roff(s.Name), roffText(s.About))
		for _, k := range s.Keys {
			name := k.Name
			if k.List {
				name += ", " + k.Name + "[]"
			}
			fmt.Fprintf(&b, ".TP\n.B %s\n", roff(name))
			if k.About != "" {
				b.WriteString(roffText(k.About) + ".br\n")
			}
			b.WriteString(roffText(facts(k)))
		}
	}
	b.WriteString(configTail)
	return b.String()
}
