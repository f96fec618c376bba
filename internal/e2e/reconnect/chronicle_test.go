package reconnect

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// A chronicle remembers what happened, for the reader of a finding.
type chronicle struct {
	began time.Time

	mu    sync.Mutex // guards lines
	lines []entry
}

// An entry is about a stream's directory, or about all streams.
type entry struct{ of, text string }

// remembered is how many entries a chronicle has, at most.
const remembered = 2000

func (c *chronicle) note(of, format string, args ...any) {
	text := fmt.Sprintf("%8.3f %s "+format, append([]any{time.Since(c.began).Seconds(), of}, args...)...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == remembered {
		c.lines = c.lines[1:]
	}
	c.lines = append(c.lines, entry{of, text})
}

// last returns the last n entries about the directory or all of them.
func (c *chronicle) last(n int, of string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []string
	for i := len(c.lines) - 1; i >= 0 && len(found) < n; i-- {
		if e := c.lines[i]; e.of == of || e.of == everyone {
			found = append([]string{e.text}, found...)
		}
	}
	return strings.Join(found, "\n")
}

const everyone = "*"
