package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
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

// run prints a line each second until one of the contexts ends.
func (c *console) run(ctx, healthy context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-second.C:
			c.line(ctx)
		case <-ctx.Done():
			return
		case <-healthy.Done():
			return
		}
	}
}

// line prints the state of now, and which objects have reached the bucket since the last line.
func (c *console) line(ctx context.Context) {
	now, recent, err := c.journal.read(ctx)
	if err != nil {
		fmt.Fprintf(c.out, "%s  %v\n", time.Now().Format(time.TimeOnly), err)
		return
	}
	var arrived []string
	for _, e := range recent {
		if e.Number <= c.printed {
			continue
		}
		c.printed = e.Number
		what := path.Base(e.Key)
		if e.Key == masterKey {
			what = "master " + what
		}
		if e.LagMS != nil {
			what += fmt.Sprintf(" (%d ms)", *e.LagMS)
		}
		arrived = append(arrived, what)
	}
	text := fmt.Sprintf("%s  chunks written %d, in the bucket %d (%.1f MB)", time.Now().Format(time.TimeOnly),
		now.Written, now.InBucket, float64(now.BytesInBucket)/1e6)
	if now.NewestSequence > 0 {
		text += fmt.Sprintf("  media sequence %d to %d  lag %d ms", now.MediaSequence, now.NewestSequence, now.LagMS)
	}
	if now.Missing > 0 {
		text += fmt.Sprintf("  NAMED BUT NOT THERE %d", now.Missing)
	}
	if now.Ended {
		text += "  ended"
	}
	if len(arrived) > 0 {
		text += "  <- " + strings.Join(arrived, ", ")
	}
	fmt.Fprintln(c.out, text)
}
