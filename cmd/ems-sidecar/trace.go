package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ems-sidecar/admin/api"
)

// traceEvery is how often the daemon is asked.
const traceEvery = 500 * time.Millisecond

// mostListed is how many streams are named where it is not clear which one is meant.
const mostListed = 20

type traceCommand struct {
	configFlag
	JSON   bool
	Last   uint   // chunks
	Stream string // see findStream
}

// streamHelp says what findStream takes.
const streamHelp = "As status has it, or a part of it; with its format if there are several: hls/news/sport."

func (c *traceCommand) define(p *program) *cobra.Command {
	cmd := c.take(p.command("trace", "Print the way of each chunk of a stream, step by step, as it happens.", c.Run))
	cmd.Flags().BoolVar(&c.JSON, "json", false, "Print a JSON object per line instead.")
	cmd.Flags().UintVar(&c.Last, "last", 0, "Begin with the last `N` chunks, of the 50 that the daemon remembers.")
	argument(cmd, &c.Stream, "STREAM", streamHelp)
	return cmd
}

// Run prints the way of each chunk of a stream as it gets listed, until ctx ends.
func (c *traceCommand) Run(ctx context.Context, s surroundings) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	id, err := findStream(ctx, client, c.Stream)
	if err != nil {
		return err
	}
	t := &tracer{id: id, last: int(min(c.Last, 1000))}
	for {
		news := t.look(ctx, client, time.Now())
		if ctx.Err() != nil {
			return nil
		}
		if err := c.print(s.stdout, news); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(traceEvery):
		}
	}
}

// look asks the daemon once, and returns what is new since it was asked before.
func (t *tracer) look(ctx context.Context, client *api.Client, now time.Time) []news {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	version, err := client.Version(ctx)
	if err != nil {
		return t.away(err, now)
	}
	lines := t.connected(version.Started, now)
	detail, err := client.Stream(ctx, t.id)
	switch {
	case errors.Is(err, api.ErrNotFound):
		return append(lines, t.unknown(now)...)
	case err != nil:
		return append(lines, t.away(err, now)...)
	}
	return append(lines, t.learn(detail, now)...)
}

func (c traceCommand) print(w io.Writer, all []news) error {
	for _, n := range all {
		line := n.text()
		if c.JSON {
			text, err := json.Marshal(n)
			if err != nil {
				return err
			}
			line = string(text)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// findStream returns the id of the one stream that is meant.
func findStream(ctx context.Context, client *api.Client, meant string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	all, err := client.Streams(ctx)
	if err != nil {
		return "", fmt.Errorf("the daemon cannot be asked: %s (does it run, with this config?)",
			printable(err.Error()))
	}
	which := strings.ToLower(meant)
	for _, matches := range []func(api.Stream) bool{
		func(s api.Stream) bool { return s.ID == meant },
		func(s api.Stream) bool {
			return slices.Contains([]string{s.Stream, s.Key, shortID(s), s.Section + "/" + s.Stream}, meant)
		},
		func(s api.Stream) bool {
			return strings.Contains(strings.ToLower(s.ID+"\n"+shortID(s)), which)
		},
	} {
		var found []api.Stream
		for _, s := range all.Streams {
			if matches(s) {
				found = append(found, s)
			}
		}
		switch {
		case len(found) == 1:
			return found[0].ID, nil
		case len(found) > 1:
			return "", usageError{fmt.Errorf("%q may be one of %d streams:\n%s", printable(meant), len(found),
				list(found))}
		}
	}
	if len(all.Streams) == 0 {
		return "", errors.New("the daemon has no streams yet")
	}
	return "", usageError{fmt.Errorf("no stream is called %q; there are:\n%s", printable(meant),
		list(all.Streams))}
}

// shortID is a stream's section and directory, without the prefix of its keys.
func shortID(s api.Stream) string {
	section, _, _ := strings.Cut(s.ID, "/")
	return section + "/" + s.Stream
}

// list names streams, by their ids.
func list(streams []api.Stream) string {
	var ids []string
	for _, s := range streams {
		ids = append(ids, "  "+printable(s.ID))
	}
	slices.Sort(ids)
	if n := len(ids) - mostListed; n > 0 {
		ids = append(ids[:mostListed], fmt.Sprintf("  and %d more: see ems-sidecar status", n))
	}
	return strings.Join(ids, "\n")
}
