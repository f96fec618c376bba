package events

import (
	"sync"
	"sync/atomic"
)

// Figures say how many events there were since the start.
type Figures struct {
	Taken      map[Type]uint64 // by type; "other" for types that are not passed on, and when there are too many
	Refused    uint64          // requests that are none of the media server's
	Broken     uint64          // that were not understood
	Missing    uint64          // ids that never arrived; the server skips those of events for other sinks only
	Lost       uint64          // those of them that were meant for us
	Duplicates uint64
	Dropped    uint64 // for which there was no room
	Waiting    int64  // bytes of events that wait
}

type counts struct {
	missing, lost, duplicates atomic.Uint64
	waiting                   atomic.Int64

	typing sync.Mutex
	taken  map[Type]uint64
}

func (c *counts) take(typ Type) {
	c.typing.Lock()
	defer c.typing.Unlock()
	if c.taken == nil {
		c.taken = make(map[Type]uint64)
	}
	if _, ok := c.taken[typ]; !ok && len(c.taken) >= maxTypes {
		typ = "other"
	}
	c.taken[typ]++
}

// Figures may be called from any goroutine.
func (e *Endpoint) Figures() Figures {
	c := &e.counts
	f := Figures{
		Taken: make(map[Type]uint64), Missing: c.missing.Load(), Lost: c.lost.Load(),
		Duplicates: c.duplicates.Load(), Waiting: c.waiting.Load(),
	}
	for _, n := range e.trouble.Counts() {
		switch n.Kind {
		case connectionRefused.Kind, eventRefused.Kind:
			f.Refused += n.Times
		case eventBroken.Kind:
			f.Broken += n.Times
		case eventDropped.Kind:
			f.Dropped += n.Times
		}
	}
	c.typing.Lock()
	defer c.typing.Unlock()
	for typ, n := range c.taken {
		f.Taken[typ] = n
	}
	return f
}
