package disk

import (
	"sync"
	"time"
)

// StuckAfter is how long a file system may take for one call. A mount whose server is gone may never answer, and a call to
// it cannot be ended.
const StuckAfter = 10 * time.Second

// Calls knows which calls to a file system are under way. The zero value has none. It may be used from any goroutine.
type Calls struct {
	mu    sync.Mutex // guards what follows
	began map[uint64]time.Time
	last  uint64
}

// Begin notes that a call begins; End is told the number.
func (c *Calls) Begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began == nil {
		c.began = make(map[uint64]time.Time)
	}
	c.last++
	c.began[c.last] = time.Now()
	return c.last
}

// End notes that the call of that number has returned.
func (c *Calls) End(call uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.began, call)
}

// StuckSince returns when the oldest call began, if that is StuckAfter ago, else the zero time.
func (c *Calls) StuckSince(now time.Time) (at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.began {
		if now.Sub(t) >= StuckAfter && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}
