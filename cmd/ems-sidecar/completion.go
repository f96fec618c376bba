package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type completionCommand struct {
	commands *program
	Shell    string
}

func (c *completionCommand) define(p *program) *cobra.Command {
	cmd := p.command("completion", "Print a script with which the shell completes commands and flags.", c.Run)
	argument(cmd, &c.Shell, "SHELL", "The shell: bash, zsh or fish.")
	cmd.ValidArgs = []string{"bash", "zsh", "fish"}
	cmd.Args = cobra.MatchAll(cmd.Args, cobra.OnlyValidArgs)
	return cmd
}

// Run prints a script that the shell sources. It is made from what the command line knows.
func (c *completionCommand) Run(_ context.Context, s surroundings) error {
	scripts := map[string]func(*cobra.Command) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	_, err := io.WriteString(s.stdout, scripts[c.Shell](c.commands.root))
	return err
}

// bashCompletion returns the script for bash.
func bashCompletion(app *cobra.Command) string {
	var choices, values []string
	for _, n := range deepestFirst(app) {
		pattern := `"` + pathOf(n, " ") + `"`
		if !n.HasSubCommands() {
			pattern += "*"
		}
		var words []string
		for _, child := range visible(n) {
			words = append(words, child.Name())
		}
		words = append(words, n.ValidArgs...)
		for _, f := range flagsOf(n) {
			words = append(words, "--"+f.Name)
			if !isBool(f) {
				values = append(values, "--"+f.Name)
				if f.Shorthand != "" {
					values = append(values, "-"+f.Shorthand)
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
func zshCompletion(app *cobra.Command) string {
	var b strings.Builder
	b.WriteString("#compdef ems-sidecar\ncompdef _ems_sidecar ems-sidecar\n")
	quote := func(text string) string {
		return strings.NewReplacer(`\`, `\\`, "'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
	}
	for _, n := range deepestFirst(app) {
		fmt.Fprintf(&b, "\n_ems_sidecar%s() {\n\tlocal line state\n\t_arguments -C", pathOf(n, "_"))
		for _, f := range flagsOf(n) {
			value := ""
			kind, help := pflag.UnquoteUsage(f)
			if !isBool(f) {
				value = ":" + quote(kind) + ":_files"
			}
			fmt.Fprintf(&b, " \\\n\t\t'--%s[%s]%s'", f.Name, quote(help), value)
			if f.Shorthand != "" {
				fmt.Fprintf(&b, " \\\n\t\t'-%s[%s]%s'", f.Shorthand, quote(help), value)
			}
		}
		for name := range n.Annotations {
			fmt.Fprintf(&b, " \\\n\t\t'1:%s:(%s)'", quote(strings.ToLower(name)), strings.Join(n.ValidArgs, " "))
		}
		if !n.HasSubCommands() {
			b.WriteString("\n}\n")
			continue
		}
		b.WriteString(" \\\n\t\t'1: :->command' '*::argument:->rest'\n\tcase $state in\n" +
			"\tcommand)\n\t\tlocal -a commands=(\n")
		for _, child := range visible(n) {
			fmt.Fprintf(&b, "\t\t\t'%s:%s'\n", child.Name(), quote(child.Short))
		}
		b.WriteString("\t\t)\n\t\t_describe command commands\n\t\t;;\n\trest)\n\t\tcase $line[1] in\n")
		for _, child := range visible(n) {
			fmt.Fprintf(&b, "\t\t%s) _ems_sidecar%s ;;\n", child.Name(), pathOf(child, "_"))
		}
		b.WriteString("\t\tesac\n\t\t;;\n\tesac\n}\n")
	}
	b.WriteString("\nif [ \"$funcstack[1]\" = _ems-sidecar ]; then\n\t_ems_sidecar \"$@\"\nfi\n") // a file of fpath
	return b.String()
}

// fishCompletion returns the script for fish.
func fishCompletion(app *cobra.Command) string {
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
			children = append(children, child.Name())
		}
		chosen := seen
		if len(children) > 0 {
			chosen = append(chosen, "not __fish_seen_subcommand_from "+strings.Join(children, " "))
		}
		line := func(when []string, rest string) {
			fmt.Fprintf(&b, "complete -c ems-sidecar -n %s %s\n", quote(strings.Join(when, "; and ")), rest)
		}
		for _, child := range visible(n) {
			line(chosen, "-a "+child.Name()+" -d "+quote(child.Short))
		}
		for _, help := range n.Annotations {
			if len(n.ValidArgs) > 0 {
				line(seen, "-a "+quote(strings.Join(n.ValidArgs, " "))+" -d "+quote(help))
			}
		}
		for _, f := range flagsOf(n) {
			_, help := pflag.UnquoteUsage(f)
			rest := "-l " + f.Name + " -d " + quote(help)
			if f.Shorthand != "" {
				rest = "-s " + f.Shorthand + " " + rest
			}
			if !isBool(f) {
				rest += " -r -F"
			}
			line(chosen, rest)
		}
	}
	return b.String()
}

// deepestFirst returns the commands below n and n itself, each before the one that it belongs to.
func deepestFirst(n *cobra.Command) (all []*cobra.Command) {
	for _, child := range visible(n) {
		all = append(all, deepestFirst(child)...)
	}
	return append(all, n)
}

func visible(n *cobra.Command) (children []*cobra.Command) {
	for _, child := range n.Commands() {
		if child.IsAvailableCommand() {
			children = append(children, child)
		}
	}
	return children
}

// flagsOf are the flags that a command takes, and --help.
func flagsOf(n *cobra.Command) (flags []*pflag.Flag) {
	add := func(f *pflag.Flag) { flags = append(flags, f) }
	n.Root().PersistentFlags().VisitAll(add)
	n.LocalNonPersistentFlags().VisitAll(add)
	return flags
}

func isBool(f *pflag.Flag) bool { return f.NoOptDefVal != "" }

// pathOf returns the names of a command and those before it, each behind a separator.
func pathOf(n *cobra.Command, separator string) string {
	if !n.HasParent() {
		return ""
	}
	return pathOf(n.Parent(), separator) + separator + n.Name()
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
