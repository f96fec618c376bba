package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

type healthCommand struct{ configFlag }

func (c *healthCommand) define(p *program) *cobra.Command {
	return c.take(p.command("health", "Ask the daemon whether it works, as a container does. Exits with 1 if not.", c.Run))
}

// Run asks the daemon whether it works, as a container's health check. A stream that suffers does
// not fail it, unlike status: to start the daemon again would not help a stream.
func (c *healthCommand) Run(ctx context.Context, s surroundings) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	answer, err := client.Raw(ctx, "/healthz")
	if err != nil {
		return fmt.Errorf("the daemon does not work: %s", printable(err.Error()))
	}
	for line := range strings.Lines(string(answer)) {
		if _, err := fmt.Fprintln(s.stdout, printable(strings.TrimSpace(line))); err != nil {
			return err
		}
	}
	return nil
}
