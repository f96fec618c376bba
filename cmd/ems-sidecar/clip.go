package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ems-sidecar/admin/api"
)

// clipTimeout is how long a clip may take: a bucket that is slow to answer is asked for each hour.
const clipTimeout = 30 * time.Second

type clipCommand struct {
	configFlag
	JSON   bool
	From   moment
	To     moment // empty: now
	Name   string // empty: its times
	Stream string // see findStream
}

func (c *clipCommand) define(p *program) *cobra.Command {
	cmd := c.take(p.command("clip", "Make a playlist of what was between two times. Needs the token of [Admin].", c.Run))
	cmd.Flags().BoolVar(&c.JSON, "json", false, "Print the answer of the API.")
	cmd.Flags().Var(&c.From, "from", "When it begins: 2026-11-30T04:10:00Z, or how long ago: -10m.")
	needs(cmd, "from")
	cmd.Flags().Var(&c.To, "to", "When it ends, as from; now, if it is left out.")
	wordFlag(cmd, &c.Name, "name", "", "NAME", "", "Its name: letters, digits and . _ -; its times, if it is left out.")
	argument(cmd, &c.Stream, "STREAM", streamHelp)
	return cmd
}

// A moment is a time as the API understands it. What looks like a flag is none.
type moment string

func (m *moment) String() string { return string(*m) }
func (m *moment) Type() string   { return "TIME" }

func (m *moment) Set(text string) error {
	if text == "" || strings.HasPrefix(text, "-") && (len(text) < 2 || text[1] < '0' || text[1] > '9') {
		return fmt.Errorf("needs a time, such as -10m or 2026-11-30T04:10:00Z, and not %q", text)
	}
	*m = moment(text)
	return nil
}

// Run has the daemon make a clip, and prints where it is.
func (c *clipCommand) Run(ctx context.Context, s surroundings) error {
	client, id, err := c.changing(ctx, c.Stream)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, clipTimeout)
	defer cancel()
	made, err := client.Clip(ctx, id, api.ClipRequest{From: string(c.From), To: string(c.To), Name: c.Name})
	if err != nil {
		return fmt.Errorf("no clip is made: %s", printable(err.Error()))
	}
	if c.JSON {
		encoder := json.NewEncoder(s.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(made)
	}
	seams := ""
	if made.Seams > 0 {
		seams = fmt.Sprintf(", with %d seams", made.Seams)
	}
	_, err = fmt.Fprintf(s.stdout, "%s in the bucket %s\n%d segments from %s to %s%s\n", printable(made.Key),
		made.Bucket, made.Segments, made.From.Format(time.RFC3339), made.To.Format(time.RFC3339), seams)
	return err
}
