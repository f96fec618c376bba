package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"ems-sidecar/media"
)

// A console prints what happened, a line at a time.
type console struct {
	out     io.Writer
	journal *journal
	printed int // the newest event's number
}

func newConsole(out io.Writer, j *journal) *console {
	return &console{out: out, journal: j}
}

// run prints what happened, each second, until one of the contexts ends.
func (c *console) run(ctx, healthy context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-second.C:
			c.news(ctx)
		case <-ctx.Done():
			return
		case <-healthy.Done():
			return
		}
	}
}

// news prints a line for each output of which something has reached the bucket since the last call.
func (c *console) news(ctx context.Context) {
	all, arrived := c.read(ctx)
	for _, now := range all {
		if objects := arrived[now.Format]; len(objects) > 0 {
			c.print(now, objects)
		}
	}
}

// end prints a line for each output.
func (c *console) end(ctx context.Context) {
	all, arrived := c.read(ctx)
	for _, now := range all {
		c.print(now, arrived[now.Format])
	}
}

// read returns the states of now, and by format what has arrived since the last call.
func (c *console) read(ctx context.Context) ([]status, map[string][]string) {
	all, recent, err := c.journal.read(ctx)
	if err != nil {
		fmt.Fprintf(c.out, "%s  %v\n", time.Now().Format(time.TimeOnly), err)
		return nil, nil
	}
	arrived := make(map[string][]string)
	for _, e := range recent {
		if e.Number <= c.printed {
			continue
		}
		c.printed = e.Number
		what := strings.TrimPrefix(e.Key, path.Join(groupName, streamName)+"/")
		if e.LagMS != nil {
			what += fmt.Sprintf(" (%d ms)", *e.LagMS)
		}
		arrived[e.Format] = append(arrived[e.Format], what)
	}
	return all, arrived
}

func (c *console) print(now status, arrived []string) {
	text := fmt.Sprintf("%s  %-4s  chunks written %d, in the bucket %d (%.1f MB)", time.Now().Format(time.TimeOnly),
		now.Format, now.Written, now.InBucket, float64(now.BytesInBucket)/1e6)
	if now.Listed > 0 {
		text += fmt.Sprintf("  %s  lag %d ms", listed(now), now.LagMS)
	}
	if now.Missing > 0 {
		text += fmt.Sprintf("  NAMED BUT NOT THERE %d", now.Missing)
	}
	if now.Ended {
		text += "  ended"
	}
	if len(arrived) > 0 {
		text += "  uploaded " + strings.Join(arrived, ", ")
	}
	fmt.Fprintln(c.out, text)
}

// listed says which chunks the manifest lists.
func listed(now status) string {
	switch now.Format {
	case media.HLS.String():
		return fmt.Sprintf("media sequence %d to %d", now.First, now.Newest)
	case media.HDS.String():
		return fmt.Sprintf("fragments %d to %d", now.First, now.Newest)
	default: // times in milliseconds
		return fmt.Sprintf("%.1f s to %.1f s", float64(now.First)/1000, float64(now.Newest)/1000)
	}
}
