package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A program has the commands of the command line. No library that looks up methods by their names reads
// it: the linker would keep all methods, among them those of the S3 client that are not used, which are
// a quarter of the program.
type program struct {
	root   *cobra.Command
	chosen action // what the command line asks for; nil: help was all
}

// An action is what a command does.
type action func(context.Context, surroundings) error

func init() { cobra.EnableCommandSorting = false } // those that are used most come first

func newProgram() *program {
	p := &program{}
	var printsVersion bool
	p.root = p.group("ems-sidecar", "Publishes the live streams that a writer such as ffmpeg, nginx-rtmp or "+
		"EvoStream Media Server (EMS) writes to disk in an S3 bucket. It also has EMS route, record and balance its streams.",
		(&runCommand{}).define(p), (&checkCommand{}).define(p), (&syncCommand{}).define(p), (&statusCommand{}).define(p),
		(&traceCommand{}).define(p), (&endCommand{}).define(p), (&clipCommand{}).define(p), (&healthCommand{}).define(p),
		p.group("config", "Print what the config means.", (&showCommand{}).define(p), (&luaCommand{}).define(p)),
		(&supportCommand{}).define(p), p.command("version", "Print the version.", printVersion),
		(&completionCommand{commands: p}).define(p))
	missing := p.root.RunE
	p.root.RunE = func(c *cobra.Command, args []string) error {
		if printsVersion {
			p.chosen = printVersion
			return nil
		}
		return missing(c, args)
	}
	p.root.Flags().BoolVar(&printsVersion, "version", false, "Print the version.")
	p.root.PersistentFlags().BoolP("help", "h", false, "Show context-sensitive help.")
	p.root.SilenceErrors, p.root.SilenceUsage = true, true
	p.root.CompletionOptions.DisableDefaultCmd = true
	p.root.SetFlagErrorFunc(flagError)
	return p
}

// parse reads the arguments of the program. It prints help where they ask for that.
func (p *program) parse(args []string, s surroundings) error {
	p.root.SetArgs(args)
	p.root.SetOut(s.stdout)
	p.root.SetErr(s.stderr)
	return p.root.Execute()
}

// command returns a command without arguments.
func (p *program) command(name, help string, does action) *cobra.Command {
	return &cobra.Command{Use: name, Short: help, Args: atMost(0),
		Run: func(*cobra.Command, []string) { p.chosen = does }}
}

// group returns a command that is followed by another one.
func (p *program) group(name, help string, commands ...*cobra.Command) *cobra.Command {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name())
	}
	c := &cobra.Command{Use: name, Short: help, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown command %q: %s has %s", args[0], c.CommandPath(), strings.Join(names, ", "))
		}
		return fmt.Errorf("a command is missing: %s has %s", c.CommandPath(), strings.Join(names, ", "))
	}}
	c.AddCommand(commands...)
	return c
}

// argument has c take an argument, which goes to the string.
func argument(c *cobra.Command, to *string, name, help string) {
	takes(c, to, name, name, help)
	most := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s is missing: %s", name, help)
		}
		return most(c, args)
	}
}

// optionalArgument is argument for one that may be left out.
func optionalArgument(c *cobra.Command, to *string, name, help string) {
	takes(c, to, name, "["+name+"]", help)
}

// takes has c take an argument, which its usage shows as shown.
func takes(c *cobra.Command, to *string, name, shown, help string) {
	c.Use += " " + shown
	c.Long = c.Short + "\n\n" + name + ": " + help
	c.Annotations = map[string]string{name: help}
	c.Args = atMost(1)
	run := c.Run
	c.Run = func(c *cobra.Command, args []string) {
		if len(args) > 0 {
			*to = args[0]
		}
		run(c, args)
	}
}

// atMost refuses more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("unexpected argument %q", args[n])
		}
		return nil
	}
}

// A word is the value of a flag, of a kind that help shows.
type word struct {
	to   *string
	kind string
}

func (w word) String() string        { return *w.to }
func (w word) Set(text string) error { *w.to = text; return nil }
func (w word) Type() string          { return w.kind }

// wordFlag has c take a flag with a word, which goes to the string. The help says what the default is.
func wordFlag(c *cobra.Command, to *string, name, short, kind, otherwise, help string) {
	*to = otherwise
	c.Flags().VarPF(word{to, kind}, name, short, help).DefValue = ""
}

// needs has c refuse a line without the flag.
func needs(c *cobra.Command, flag string) {
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if !c.Flags().Changed(flag) {
			return fmt.Errorf("--%s is missing: %s", flag, c.Flags().Lookup(flag).Usage)
		}
		return nil
	}
}

// flagError returns err, with the flag that an unknown one may be meant to be.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	name, best, distance := unknown.GetSpecifiedName(), "", 3
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if d := levenshtein.ComputeDistance(name, f.Name); d < distance {
			best, distance = f.Name, d
		}
	})
	if best == "" {
		return err
	}
	return fmt.Errorf("%w (did you mean --%s?)", err, best)
}
