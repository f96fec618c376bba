package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ems-sidecar/admin/api"
)

type endCommand struct {
	configFlag
	Stream string // see findStream
}

func (c *endCommand) define(p *program) *cobra.Command {
	cmd := c.take(p.command("end", "End the playlist of a stream whose server is dead. Needs [Admin] token.", c.Run))
	argument(cmd, &c.Stream, "STREAM", streamHelp)
	return cmd
}

// errNoToken ends a command that the daemon would refuse.
var errNoToken = errors.New("this needs the token of [Admin], and the config has none: set token_file there")

// changing returns a client that may change something, and the id of the one stream that is meant.
func (c configFlag) changing(ctx context.Context, stream string) (client *api.Client, id string, err error) {
	if client, err = c.client(); err != nil {
		return nil, "", err
	}
	if client.Token == "" {
		return nil, "", errNoToken
	}
	id, err = findStream(ctx, client, stream)
	return client, id, err
}

// Run ends the live playlists of a stream, as its server does not: it was killed, or the stream has
// moved. Players then stop, and do not ask for more.
func (c *endCommand) Run(ctx context.Context, s surroundings) error {
	client, id, err := c.changing(ctx, c.Stream)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	n, err := client.EndStream(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("%s was not ended: %s", printable(id), printable(err.Error()))
	case n == 0:
		_, err = fmt.Fprintf(s.stdout, "%s has no live playlist: nothing is to be ended\n", printable(id))
	default:
		_, err = fmt.Fprintf(s.stdout, "%s: its playlist gets its end. "+
			"If it is still written, it goes on with the next chunk.\n", printable(id))
	}
	return err
}
