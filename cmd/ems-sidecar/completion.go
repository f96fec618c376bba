package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Run prints a script that the shell sources. It is made from the model of the command line.
func (c completionCommand) Run(parsed *kong.Context, s surroundings) error {
	scripts := map[string]func(*kong.Node) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	_, err := io.WriteString(s.stdout, scripts[c.Shell](parsed.Model.Node))
	return err
}

// bashCompletion returns the script for bash.
func bashCompletion(app *kong.Node) string {
	var choices, values []string
	for _, n := range deepestFirst(app) {
		pattern := `"` + pathOf(n, " ") + `"`
		if n.Leaf() {
			pattern += "*"
		}
		var words []string
		for _, child := range visible(n) {
			words = append(words, child.Name)
		}
		for _, p := range n.Positional {
			words = append(words, choicesOf(p)...)
		}
		for _, f := range flagsOf(n) {
			words = append(words, "--"+f.Name)
			if !f.IsBool() {
				values = append(values, "--"+f.Name)
				if f.Short != 0 {
					values = append(values, "-"+string(f.Short))
				}
			}
		}
		choices = append(choices, fmt.Sprintf("\t%s) words=%q ;;\n", pattern, strings.Join(words, " ")))
	}
	valued := strings.Join(unique(values), " | ")
	return `# Completion of ems-sidecar for bash.
_ems_sidecar() {
	local cur=$2 prev=$3 command= words= i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		` + valued + `) [ "${COMP_WORDS[++i]}" = = ] && ((++i)) ;;
		-* | =) ;;
		*) command+=" ${COMP_WORDS[i]}" ;;
		esac
	done
	[ "$cur" = = ] && cur=
	[ "$prev" = = ] && prev=${COMP_WORDS[COMP_CWORD - 2]}
	case $prev in
	` + valued + `)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	case $command in
` + strings.Join(choices, "") + `	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _ems_sidecar ems-sidecar
`
}

// zshCompletion returns the script for zsh: a function for each command.
func zshCompletion(app *kong.Node) string {
	var b strings.Builder
	b.WriteString("#compdef ems-sidecar\ncompdef _ems_sidecar ems-sidecar\n")
	quote := func(text string) string {
		return strings.NewReplacer(`\`, `\\`, "'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
	}
	for _, n := range deepestFirst(app) {
		fmt.Fprintf(&b, "\n_ems_sidecar%s() {\n\tlocal line state\n\t_arguments -C", pathOf(n, "_"))
		for _, f := range flagsOf(n) {
			value := ""
			if !f.IsBool() {
				value = ":" + quote(f.FormatPlaceHolder()) + ":_files"
			}
			fmt.Fprintf(&b, " \\\n\t\t'--%s[%s]%s'", f.Name, quote(f.Help), value)
			if f.Short != 0 {
				fmt.Fprintf(&b, " \\\n\t\t'-%c[%s]%s'", f.Short, quote(f.Help), value)
			}
		}
		for i, p := range n.Positional {
			fmt.Fprintf(&b, " \\\n\t\t'%d:%s:(%s)'", i+1, quote(p.Name), strings.Join(choicesOf(p), " "))
		}
		if n.Leaf() {
			b.WriteString("\n}\n")
			continue
		}
		b.WriteString(" \\\n\t\t'1: :->command' '*::argument:->rest'\n\tcase $state in\n" +
			"\tcommand)\n\t\tlocal -a commands=(\n")
		for _, child := range visible(n) {
			fmt.Fprintf(&b, "\t\t\t'%s:%s'\n", child.Name, quote(child.Help))
		}
		b.WriteString("\t\t)\n\t\t_describe command commands\n\t\t;;\n\trest)\n\t\tcase $line[1] in\n")
		for _, child := range visible(n) {
			fmt.Fprintf(&b, "\t\t%s) _ems_sidecar%s ;;\n", child.Name, pathOf(child, "_"))
		}
		b.WriteString("\t\tesac\n\t\t;;\n\tesac\n}\n")
	}
	b.WriteString("\nif [ \"$funcstack[1]\" = _ems-sidecar ]; then\n\t_ems_sidecar \"$@\"\nfi\n") // a file of fpath
	return b.String()
}

// fishCompletion returns the script for fish.
func fishCompletion(app *kong.Node) string {
	var b strings.Builder
	b.WriteString("# Completion of ems-sidecar for fish.\ncomplete -c ems-sidecar -f\n")
	quote := func(text string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'" }
	for _, n := range deepestFirst(app) {
		var seen []string
		for _, name := range strings.Fields(pathOf(n, " ")) {
			seen = append(seen, "__fish_seen_subcommand_from "+name)
		}
		var children []string
		for _, child := range visible(n) {
			children = append(children, child.Name)
		}
		chosen := seen
		if len(children) > 0 {
			chosen = append(chosen, "not __fish_seen_subcommand_from "+strings.Join(children, " "))
		}
		line := func(when []string, rest string) {
			fmt.Fprintf(&b, "complete -c ems-sidecar -n %s %s\n", quote(strings.Join(when, "; and ")), rest)
		}
		for _, child := range visible(n) {
			line(chosen, "-a "+child.Name+" -d "+quote(child.Help))
		}
		for _, p := range n.Positional {
			if words := choicesOf(p); len(words) > 0 {
				line(seen, "-a "+quote(strings.Join(words, " "))+" -d "+quote(p.Help))
			}
		}
		for _, f := range flagsOf(n) {
			rest := "-l " + f.Name + " -d " + quote(f.Help)
			if f.Short != 0 {
				rest = "-s " + string(f.Short) + " " + rest
			}
			if !f.IsBool() {
				rest += " -r -F"
			}
			line(chosen, rest)
		}
	}
	return b.String()
}

// deepestFirst returns the commands below n and n itself, each before the one that it belongs to.
func deepestFirst(n *kong.Node) (all []*kong.Node) {
	for _, child := range visible(n) {
		all = append(all, deepestFirst(child)...)
	}
	return append(all, n)
}

func visible(n *kong.Node) (children []*kong.Node) {
	for _, child := range n.Children {
		if !child.Hidden {
			children = append(children, child)
		}
	}
	return children
}

// flagsOf are the flags that a command takes, and --help.
func flagsOf(n *kong.Node) (flags []*kong.Flag) {
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			if n.Parent == nil || f.Name != "version" {
				flags = append(flags, f)
			}
		}
	}
	return flags
}

// pathOf returns the names of a command and those before it, each behind a separator.
func pathOf(n *kong.Node, separator string) string {
	if n.Parent == nil {
		return ""
	}
	return pathOf(n.Parent, separator) + separator + n.Name
}

// choicesOf are the words that an argument may be; none: any.
func choicesOf(p *kong.Positional) []string {
	if p.Enum == "" {
		return nil
	}
	return p.EnumSlice()
}

func unique(words []string) (once []string) {
	seen := make(map[string]bool)
	for _, w := range words {
		if !seen[w] {
			seen[w] = true
			once = append(once, w)
		}
	}
	return once
}
