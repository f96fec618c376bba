package disk

import (
	"sync"
	"time"
)

// StuckAfter is how long a file system may take for one call. A mount whose server is gone may
// never answer, and a call to it cannot be ended.
const StuckAfter = 10 * time.Second

// Calls knows which calls to a file system are under way. The zero value has none. It may be used
// from any goroutine.
type Calls struct {
	mu    sync.Mutex // guards what follows
	began map[uint64]time.Time
	last  uint64
}

// Begin notes that a call begins. Its number is for End.
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
func (c *Calls) StuckSince(now time.Time) (at time.Time) { return c.PendingSince(now, StuckAfter) }

// PendingSince returns when the oldest call began, if that is so long ago, else the zero time.
func (c *Calls) PendingSince(now time.Time, long time.Duration) (at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.began {
		if now.Sub(t) >= long && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// Ask returns what ask returns, and true, if that takes less than limit. A call cannot be ended, so
// after the limit ask goes on alone, and its answer is dropped. While the file system is stuck, Ask
// returns false at once: such calls do not pile up.
func Ask[T any](c *Calls, limit time.Duration, ask func() T) (answer T, ok bool) {
	if !c.StuckSince(time.Now()).IsZero() {
		return answer, false
	}
	answers := make(chan T, 1)
	go func() {
		defer c.End(c.Begin())
		answers <- ask()
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case answer = <-answers:
		return answer, true
	case <-late.C:
		return answer, false
	}
}
