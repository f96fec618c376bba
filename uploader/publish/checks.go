package publish

import "time"

// The checks are questions to the buckets that nothing waits for: whether a late request was applied,
// whether a bucket still has what it had. Their streams stand in a line of their own, from which few
// begin at once. So an event costs nothing for each of them, and none delays what viewers wait for.
type checks struct {
	line     []*stream // that have nothing to do but a check, or had; the first has its turn first
	inFlight int
	passed   int       // how often others went first since one had its turn
	paid     time.Time // up to when those that have begun use up the pace of checkEvery
}

// join has st wait for its turn.
func (c *checks) join(st *stream) {
	if !st.turn.checks {
		st.turn.checks = true
		c.line = append(c.line, st)
	}
}

// opensAt returns when the next may begin, as far as the pace goes.
func (c *checks) opensAt() time.Time { return c.paid.Add(-(checkBurst - 1) * checkEvery) }

// mayBegin reports whether one more may begin now.
func (c *checks) mayBegin(now time.Time) bool {
	return c.inFlight < mostChecks && !now.Before(c.opensAt())
}

// begin counts one that begins.
func (c *checks) begin(now time.Time) {
	c.inFlight++
	c.passed = 0
	if c.paid.Before(now) {
		c.paid = now
	}
	c.paid = c.paid.Add(checkEvery)
}

// nextCheck returns the stream whose turn it is to have a check, or nil.
func (s *Schedule) nextCheck(now time.Time) *stream {
	c := &s.agenda.checks
	if !c.mayBegin(now) {
		return nil
	}
	waiting := c.line[:0]
	for i, st := range c.line {
		isDue := st.turn.state == hasCheck
		if isDue && (!s.mayWork(st) || !s.lane(st.src.dest).admits(st, now)) {
			waiting = append(waiting, st)
			continue
		}
		st.turn.checks = false
		if isDue {
			c.line = append(waiting, c.line[i+1:]...)
			return st
		}
	}
	clear(c.line[len(waiting):])
	c.line = waiting
	return nil
}

// wakeForCheck returns when a check may begin, or zero if only an event can bring that.
func (s *Schedule) wakeForCheck() (at time.Time) {
	c := &s.agenda.checks
	if c.inFlight >= mostChecks {
		return at
	}
	for _, st := range c.line {
		opens, ok := s.opensFor(st)
		switch {
		case !ok || st.turn.state != hasCheck:
		case !opens.After(c.opensAt()):
			return c.opensAt()
		default:
			at = earlier(at, opens)
		}
	}
	return at
}
