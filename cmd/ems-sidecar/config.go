package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ems-sidecar/admin/api"
	"ems-sidecar/config"
	"ems-sidecar/hooks"
)

type showCommand struct {
	configFlag
	JSON    bool
	Changed bool // only what differs from the default
}

func (c *showCommand) define(p *program) *cobra.Command {
	cmd := c.take(p.command("show",
		"Print the settings of the config file, and where each comes from. Secrets are hidden.", c.Run))
	cmd.Flags().BoolVar(&c.JSON, "json", false, "Print the answer of the API, /api/v1/config.")
	cmd.Flags().BoolVar(&c.Changed, "changed", false, "Only what differs from the default.")
	return cmd
}

// Run prints the settings. It asks nothing of EMS and the bucket.
func (c *showCommand) Run(_ context.Context, s surroundings) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	answer := api.Config{File: c.Config, Settings: []config.Setting{}}
	for _, setting := range cfg.Effective(s.getenv) {
		if !c.Changed || setting.Changed() {
			answer.Settings = append(answer.Settings, setting)
		}
	}
	if c.JSON {
		encoder := json.NewEncoder(s.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(answer)
	}
	return show(s.stdout, answer.Settings)
}

// show writes settings as a config has them, each with a comment that says where it comes from.
func show(w io.Writer, settings []config.Setting) error {
	rows := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := ""
	for _, s := range settings {
		if s.Section != section {
			if section != "" {
				fmt.Fprintln(rows)
			}
			section = s.Section
			fmt.Fprintf(rows, "[%s]\n", section)
		}
		value := printable(s.Value)
		if value == "" || strings.ContainsAny(value, ";#'\"") {
			value = "'" + value + "'"
		}
		fmt.Fprintf(rows, "%s = %s\t; %s\n", s.Key, value, printable(origin(s)))
	}
	return rows.Flush()
}

// origin says where a setting comes from.
func origin(s config.Setting) string {
	text := string(s.Origin)
	switch s.Origin {
	case config.FromFile:
		text = s.Where
	case config.FromEnvironment:
		text = "from the environment: " + s.Where
	case config.Derived:
		text = "derived: " + s.Where
	}
	if s.Means != "" {
		text += ": " + s.Means
	}
	return text
}

type luaCommand struct{ configFlag }

func (c *luaCommand) define(p *program) *cobra.Command {
	return c.take(p.command("lua", "Print the lines for EMS's config.lua with which EMS posts its events here.", c.Run))
}

func (c *luaCommand) Run(_ context.Context, s surroundings) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if !cfg.Hooks.On {
		return fmt.Errorf("nothing in %s needs EMS's events: config.lua can stay as it is", c.Config)
	}
	url := sinkURL(cfg.Hooks)
	if secret := cfg.Hooks.Secret; secret != "" {
		fmt.Fprintln(s.stderr, "Replace SECRET with the secret of [Hooks].")
		url += "SECRET/"
	}
	fmt.Fprintln(s.stderr, "EMS posts its events when its config.lua has these lines and EMS was restarted since. "+
		"EMS numbers the events of all its sinks together: lost events are noticed only if all sinks have these "+
		"enabledEvents.")
	_, err = io.WriteString(s.stdout, configLua(url))
	return err
}

// configLua returns what EMS's config.lua needs in its eventLogger.
func configLua(url string) string {
	var b strings.Builder
	b.WriteString("eventLogger =\n{\n\tsinks =\n\t{\n\t\t{\n\t\t\ttype = \"RPC\",\n")
	fmt.Fprintf(&b, "\t\t\turl = %q,\n\t\t\tserializerType = \"JSON\",\n\t\t\tenabledEvents =\n\t\t\t{\n", url)
	for _, typ := range hooks.EventTypes() {
		fmt.Fprintf(&b, "\t\t\t\t%q,\n", typ)
	}
	b.WriteString("\t\t\t},\n\t\t},\n\t},\n},\n")
	return b.String()
}
