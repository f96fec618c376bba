package hooks

import (
	"errors"
	"time"
)

// A wish is an order that there should be.
type wish[K comparable, W any] struct {
	key  K
	want W
}

// A condition is how an order that a server has is doing.
type condition uint8

const (
	works    condition = iota // it does what is wanted
	starting                  // it is not known yet whether it comes through
	ended                     // it did not come through, or has ended
	stale                     // it is not as it is wanted now
	spent                     // it was as wanted, and has to be replaced at once
)

// Found is one order that a server has.
type found[K comparable, H any] struct {
	key       K
	order     H
	ours      bool // others are never removed
	condition condition
	why       string // of stale and spent: the reason, for the log
}

// A listing is what a server has.
type listing[K comparable, H any] struct {
	asked  time.Time     // before the request: what was ordered after that may be missing
	orders []found[K, H] // of one key, the ones to keep first
}

// A change is what is to be done about one key.
type change[K comparable, W, H any] struct {
	key    K
	want   W
	over   phase // the trouble that has ended; unordered: none
	failed error // nil: nothing has
	gone   bool  // the key is not wanted any more
	remove []removal[H]
	create bool // if everything was removed
}

type removal[H any] struct {
	order H
	why   string
}

var (
	errEnded    = errors.New("it did not come through or has ended")
	errUnlisted = errors.New("the server accepted the order and does not list it")
)

// plan compares wishes with what a server has. It returns what to do now, and after what time to
// compare again; 0: when something changes. It makes no request and reads no clock.
func (r *reconciler[K, W, H]) plan(wishes []wish[K, W], has listing[K, H], now time.Time) (
	changes []change[K, W, H], again time.Duration) {
	orders := make(map[K][]found[K, H])
	for _, f := range has.orders {
		orders[f.key] = append(orders[f.key], f)
	}
	wanted := make(map[K]bool)
	for _, w := range wishes {
		wanted[w.key] = true
	}
	// What is wanted no more is forgotten first: that makes no request, so that none without an answer
	// comes before it.
	for key := range r.known {
		if !wanted[key] {
			delete(r.known, key)
			changes = append(changes, change[K, W, H]{key: key, gone: true})
		}
	}
	for _, w := range wishes {
		c, wait := r.compare(w, orders[w.key], has.asked, now)
		if c.over != unordered || c.failed != nil || len(c.remove) > 0 || c.create {
			changes = append(changes, c)
		}
		again = sooner(again, wait)
	}
	for _, f := range has.orders {
		if f.ours && !wanted[f.key] {
			unwanted := []removal[H]{{f.order, r.pace.unwanted}}
			changes = append(changes, change[K, W, H]{key: f.key, remove: unwanted})
		}
	}
	return changes, again
}

// compare compares one wish with the orders that there are for it.
func (r *reconciler[K, W, H]) compare(w wish[K, W], orders []found[K, H], asked, now time.Time) (
	c change[K, W, H], again time.Duration) {
	c = change[K, W, H]{key: w.key, want: w.want}
	p := r.progress(w.key)
	stands := false // an order does what is wanted, or is starting
	for _, f := range orders {
		switch {
		case f.ours && stands:
			c.remove = append(c.remove, removal[H]{f.order, "there is another one"})
		case f.ours && f.isOver():
			c.remove = append(c.remove, removal[H]{f.order, f.reason()})
			if r.endOrder(p, f.condition, now) {
				c.failed = errEnded
			}
		default:
			stands = true
			over, wait := r.keepOrder(p, f, now)
			c.over, again = max(c.over, over), sooner(again, wait)
		}
	}
	if stands || p.phase == refused {
		return c, again
	}
	if wait := p.wait(asked, now); wait > 0 {
		return c, wait
	}
	if p.phase == accepted {
		p.fail(now, r.jitter, r.pace) // the pause begins with the next order
		c.failed = errUnlisted
	}
	c.create = true
	return c, 0
}

// isOver reports whether an order of ours is to be removed.
func (f *found[K, H]) isOver() bool {
	return f.condition == stale || f.condition == spent || f.condition == ended
}

func (f *found[K, H]) reason() string {
	if f.condition == ended {
		return errEnded.Error()
	}
	return f.why
}

// endOrder notes that an order of ours is removed, and reports whether that is a failure.
func (r *reconciler[K, W, H]) endOrder(p *progress, c condition, now time.Time) (isFailure bool) {
	switch c {
	case spent: // the next one is given at once
		p.next, p.ordered = time.Time{}, time.Time{}
	case ended:
		p.ordered = time.Time{}
		if !r.pace.revives || p.hasFailed() {
			p.fail(now, r.jitter, r.pace)
			return true
		}
	}
	return false
}

// keepOrder notes that an order stays. It returns the trouble that is over, and when to look again.
func (r *reconciler[K, W, H]) keepOrder(p *progress, f found[K, H], now time.Time) (over phase, again time.Duration) {
	if f.condition == works {
		return p.work(), 0
	}
	p.phase = listed
	if f.ours && now.Sub(p.ordered) <= r.pace.watched {
		again = r.pace.settles
	}
	return unordered, again
}
