package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const commandTail = `.SH EXIT STATUS
.TP
.B 0
Fine.
.TP
.B 1
Failed.
.TP
.B 2
Wrong usage or config.
.SH ENVIRONMENT
Where the config has no credentials, no region or no endpoint,
the variables of the AWS SDK hold, such as
.BR AWS_ACCESS_KEY_ID ,
.BR AWS_REGION " and"
.BR AWS_PROFILE .
.TP
.B GOMEMLIMIT
The memory beyond which it is freed more eagerly.
Large manifests share a third of it.
.TP
.B GOMAXPROCS
How many threads work at the same time.
Without it, one does while there is little to do,
else as many as the cores and the cgroup allow.
.TP
.B STATE_DIRECTORY
Where notes are kept that survive a restart.
systemd sets it.
.SH FILES
.TP
.I /etc/ems\-sidecar/config.ini
The config.
.SH SEE ALSO
.BR ems\-sidecar\-config (5)
`

// CommandPage returns the man page ems-sidecar(1).
func CommandPage(app *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH EMS\\-SIDECAR 1 %s ems\\-sidecar\n.SH NAME\nems\\-sidecar \\- publish live streams "+
		"from a directory in an S3 bucket\n", manDate)
	b.WriteString(".SH SYNOPSIS\n")
	for i, n := range leaves(app) {
		if i > 0 {
			b.WriteString(".br\n")
		}
		b.WriteString(".B " + roff(usage(n)) + "\n")
	}
	b.WriteString(".SH DESCRIPTION\n" + roffText(app.Short) + ".SH COMMANDS\n")
	for _, n := range leaves(app) {
		b.WriteString(".SS " + roff(strings.TrimPrefix(usage(n), "ems-sidecar ")) + "\n" + roffText(n.Short))
		for _, o := range options(n) {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s", roff(o.names), roffText(o.help))
		}
	}
	b.WriteString(".SH OPTIONS\n")
	for _, o := range options(app) {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s", roff(o.names), roffText(o.help))
	}
	b.WriteString(commandTail)
	return b.String()
}

// Commands returns docs/commands.md.
func Commands(app *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Reference: commands\n\nGenerated from the model of the command line. " +
		"Exit codes: 0 is fine, 1 failed, 2 wrong usage or\nconfig.\n")
	for _, n := range leaves(app) {
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n```\n\n", strings.TrimPrefix(n.CommandPath(), "ems-sidecar "), usage(n))
		b.WriteString(strings.Join(wrapped(markdown(n.Short), columns), "\n") + "\n")
		if len(options(n)) > 0 {
			b.WriteString("\n| option | meaning |\n| --- | --- |\n")
		}
		for _, o := range options(n) {
			fmt.Fprintf(&b, "| `%s` | %s |\n", o.names, markdown(o.help))
		}
	}
	return b.String()
}

// An option is a flag or an argument.
type option struct{ names, help string }

// options are those of a command itself.
func options(n *cobra.Command) (all []option) {
	for name, help := range n.Annotations {
		all = append(all, option{name, help})
	}
	flags(n, func(f *pflag.Flag) {
		kind, help := pflag.UnquoteUsage(f)
		names := "--" + f.Name
		if f.Shorthand != "" {
			names = "-" + f.Shorthand + ", " + names
		}
		if kind != "" {
			names += " " + kind
		}
		all = append(all, option{names, help})
	})
	return all
}

// flags calls each with those of a command itself, and of the program with those of all commands.
func flags(n *cobra.Command, each func(*pflag.Flag)) {
	if !n.HasParent() {
		n.PersistentFlags().VisitAll(each)
	}
	n.LocalNonPersistentFlags().VisitAll(each)
}

// leaves are the commands that do something.
func leaves(n *cobra.Command) (all []*cobra.Command) {
	for _, child := range n.Commands() {
		if !child.HasSubCommands() {
			all = append(all, child)
		}
		all = append(all, leaves(child)...)
	}
	return all
}

// usage is a command line with what it may have.
func usage(n *cobra.Command) string {
	text := n.CommandPath()
	flags(n, func(f *pflag.Flag) {
		text += " [--" + f.Name
		if kind, _ := pflag.UnquoteUsage(f); kind != "" {
			text += " " + kind
		}
		text += "]"
	})
	if len(n.ValidArgs) > 0 {
		return text + " " + strings.Join(n.ValidArgs, "|")
	}
	return text + strings.TrimPrefix(n.Use, n.Name())
}
