package hooks

import (
	"time"

	"ems-sidecar/internal/backoff"
)

// A phase is how far one wish has come.
type phase uint8

const (
	unordered  phase = iota // no order was given
	accepted                // the server accepted an order, and does not list it yet
	unanswered              // an order had no answer: the server may list it yet
	listed                  // the server lists an order, which is starting
	working                 // an order does what is wanted
	failing                 // the last order failed
	taken                   // another has the place, and keeps it
	refused                 // it cannot be ordered at all
)

func (p phase) String() string {
	return [...]string{"unordered", "accepted", "unanswered", "listed", "working", "failing", "taken", "refused"}[p]
}

// Progress is what is known of one wish. Its times are of the clock that the reconciler passes in.
type progress struct {
	phase    phase
	ordered  time.Time // when the last order was given; zero: it no longer counts
	failures int       // in a row, for the pause before the next order
	next     time.Time // no order before that
	trouble  phase     // that is to be recovered from: failing, taken, or unordered for none
}

// orderTakes is how long an order that a server accepted may be missing from its list.
const orderTakes = 3 * time.Second

// accept notes that the server accepted an order.
func (p *progress) accept(now time.Time) { p.phase, p.ordered = accepted, now }

// fail notes a failure.
func (p *progress) fail(now time.Time, j backoff.Jitter, t pace) {
	p.failures++
	p.phase, p.trouble, p.next = failing, failing, now.Add(j.After(p.failures, t.first, t.most))
}

// miss notes that an order had no answer. The server may have accepted it nevertheless.
func (p *progress) miss(now time.Time, j backoff.Jitter, t pace) {
	p.fail(now, j, t)
	p.phase, p.ordered = unanswered, now
}

// yield notes that another has the place.
func (p *progress) yield(now time.Time, pause time.Duration) {
	p.phase, p.trouble, p.next, p.ordered = taken, taken, now.Add(pause), time.Time{}
}

// work notes that an order does what is wanted. It returns the trouble that is over, if any.
func (p *progress) work() (over phase) {
	over = p.trouble
	*p = progress{phase: working, ordered: p.ordered}
	return over
}

// hasFailed reports whether an order that has ended never worked. One of an earlier run may have.
func (p *progress) hasFailed() bool { return p.phase != working && p.phase != unordered }

// wait returns how long no order may be given: 0 if one is due. The list was asked for at asked.
func (p *progress) wait(asked, now time.Time) time.Duration {
	listable := p.ordered.Add(orderTakes)
	switch {
	case now.Before(p.next):
		return p.next.Sub(now)
	case asked.Before(listable): // also if now is later: then the list is too old
		return max(listable.Sub(now), time.Millisecond)
	}
	return 0
}
