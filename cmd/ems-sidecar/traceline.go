package main

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"ems-sidecar/internal/paths"
)

// text is a line for people.
func (n news) text() string {
	line := n.At.Local().Format("15:04:05.000") + "  "
	if n.Chunk != nil {
		line += printable(path.Base(n.Chunk.Key)) + "  "
	}
	switch n.What {
	case isListed:
		return line + way(n.Chunk)
	case hasFailed:
		f := n.Failure
		return line + fmt.Sprintf("attempt %d failed%s: %s", f.Attempt, after(n.Chunk.Closed, &f.At), printable(f.Why))
	case isLost:
		return line + "lost: " + printable(n.Text)
	case isSkipped:
		return line + "skipped: its playlist names it no more"
	case waits:
		waited := n.At.Sub(*n.Chunk.Closed).Round(time.Second)
		line += fmt.Sprintf("waits for %v, %s", waited, progress(n.Chunk))
		if n.Waiting > 1 {
			line += fmt.Sprintf("; %d chunks wait", n.Waiting)
		}
		if n.Text != "" {
			line += "; " + printable(n.Text)
		}
		return line
	case passedUnseen:
		return line + "more chunks passed than the daemon remembers, and are not shown"
	case isAway:
		return line + "not connected: " + printable(n.Text)
	case isBack:
		return line + "connected again"
	case wasRestarted:
		return line + "the daemon was started again " + n.Text
	case streamUnknown:
		return line + "the daemon does not know " + printable(n.Stream) + " now"
	}
	return line + string(n.What)
}

// way is each step of a chunk that is listed, with the time since it was closed.
func way(c *paths.Chunk) string {
	steps := []string{}
	if c.Kind != "chunk" {
		steps = append(steps, c.Kind)
	}
	steps = append(steps, humanize.Bytes(uint64(max(0, c.Bytes))))
	if c.Sequence > 0 {
		steps = append(steps, fmt.Sprintf("sequence %d", c.Sequence))
	}
	if c.Closed != nil {
		steps = append(steps, "closed "+c.Closed.Local().Format("15:04:05.000"))
	}
	for _, s := range []struct {
		name string
		at   *time.Time
	}{
		{"kept", c.Kept}, {"sending", c.Sending}, {"sent", c.Sent}, {"confirmed", c.Confirmed}, {"listed", c.Listed},
	} {
		if s.at == nil {
			continue
		}
		text := s.name + after(c.Closed, s.at)
		switch {
		case s.name == "sending" && c.Attempts > 1:
			text += fmt.Sprintf(" (attempt %d)", c.Attempts)
		case s.name == "confirmed" && c.ConfirmedBy != "upload" && c.ConfirmedBy != "":
			text += " (by a " + c.ConfirmedBy + ")"
		}
		steps = append(steps, text)
	}
	return strings.Join(steps, "  ")
}

// after is how long after the closing something was.
func after(closed, at *time.Time) string {
	if closed == nil {
		return ""
	}
	d := at.Sub(*closed)
	if d < time.Second {
		d = d.Round(100 * time.Microsecond)
	} else {
		d = d.Round(time.Millisecond)
	}
	return " +" + max(0, d).String()
}

// progress is how far a chunk has come.
func progress(c *paths.Chunk) string {
	switch n := len(c.Failures); {
	case c.Confirmed != nil:
		return "in the bucket, and no published manifest names it"
	case n > 0:
		f := c.Failures[n-1]
		return fmt.Sprintf("not in the bucket: attempt %d failed: %s", f.Attempt, printable(f.Why))
	case c.Sending != nil:
		return "being sent"
	}
	return "not sent yet"
}
