package events

import (
	"slices"
	"time"
)

const (
	// reorderWindow is how long an event waits for those with smaller ids. On an idle machine the server's events were seen
	// to overtake each other by some milliseconds.
	reorderWindow = 100 * time.Millisecond
	// maxHeld bounds the events that wait for others.
	maxHeld = 2048
	// remembered is how many ids back an event is known to be there already.
	remembered = 4096
)

// A sequence puts the events of the server into the order of their ids, and finds out which are missing.
type sequence struct {
	process int64
	next    uint64           // the id that is to pass next; 0: no event was seen yet
	newest  int64            // the greatest timestamp
	held    []held           // in the order of arrival
	seen    map[uint64]int64 // the timestamps of the last ids that passed
}

type held struct {
	event   Event
	arrived time.Time
}

// passed is what has become of events.
type passed struct {
	events     []Event // in their order
	duplicates []Event
	lost       uint64 // ids that are not waited for any more
	restarted  bool   // the server began to count anew
}

// add takes in one event. Those without an id pass at once.
func (s *sequence) add(e Event, now time.Time) (p passed) {
	if e.ID == 0 {
		p.events = append(p.events, e)
		return p
	}
	if s.next == 0 {
		s.restart(e)
		s.next = e.ID // what came before this start is not missing
	} else if e.ProcessID != s.process || s.countsAnew(e) {
		if e.Timestamp < s.newest { // a straggler of the run before
			p.events = append(p.events, e)
			return p
		}
		p = s.flush(p)
		p.restarted = true
		s.restart(e)
		s.next = 1
	}
	s.newest = max(s.newest, e.Timestamp)
	if _, ok := s.seen[e.ID]; ok || slices.ContainsFunc(s.held, func(h held) bool { return h.event.ID == e.ID }) {
		p.duplicates = append(p.duplicates, e)
		return p
	}
	switch {
	case e.ID < s.next: // late, which is better than never
		s.remember(e)
		p.events = append(p.events, e)
		return p
	case e.ID > s.next:
		s.held = append(s.held, held{e, now})
		if len(s.held) > maxHeld {
			return s.flush(p)
		}
		return p
	}
	s.pass(&p, e)
	return s.follow(p)
}

// countsAnew reports whether an event of the same process id is of a new run: in a container, it is always the same.
func (s *sequence) countsAnew(e Event) bool {
	if e.ID >= s.next {
		return false
	}
	at, ok := s.seen[e.ID]
	if ok {
		return e.Timestamp > at+1
	}
	return s.next-e.ID > remembered && e.Timestamp >= s.newest
}

func (s *sequence) restart(e Event) {
	s.process, s.seen = e.ProcessID, make(map[uint64]int64)
	s.newest = e.Timestamp
}

func (s *sequence) remember(e Event) {
	if s.next > e.ID+remembered {
		return
	}
	s.seen[e.ID] = e.Timestamp
	if e.ID > remembered {
		delete(s.seen, e.ID-remembered)
	}
}

func (s *sequence) pass(p *passed, e Event) {
	if e.ID > s.next {
		p.lost += e.ID - s.next
	}
	s.next = e.ID + 1
	s.remember(e)
	p.events = append(p.events, e)
}

// follow passes what waited for those that have passed.
func (s *sequence) follow(p passed) passed {
	for {
		i := slices.IndexFunc(s.held, func(h held) bool { return h.event.ID == s.next })
		if i < 0 {
			return p
		}
		e := s.held[i].event
		s.held = slices.Delete(s.held, i, i+1)
		s.pass(&p, e)
	}
}

// expire gives up what was waited for for too long.
func (s *sequence) expire(now time.Time) (p passed) {
	var upTo uint64
	for _, h := range s.held {
		if now.Sub(h.arrived) >= reorderWindow {
			upTo = max(upTo, h.event.ID)
		}
	}
	return s.follow(s.passUpTo(p, upTo))
}

// flush passes all that waits.
func (s *sequence) flush(p passed) passed { return s.passUpTo(p, ^uint64(0)) }

func (s *sequence) passUpTo(p passed, id uint64) passed {
	var due []Event
	s.held = slices.DeleteFunc(s.held, func(h held) bool {
		if h.event.ID > id {
			return false
		}
		due = append(due, h.event)
		return true
	})
	slices.SortFunc(due, func(a, b Event) int { return int(int64(a.ID - b.ID)) })
	for _, e := range due {
		s.pass(&p, e)
	}
	return p
}

// deadline is when expire is to be called; zero: not yet.
func (s *sequence) deadline() time.Time {
	if len(s.held) == 0 {
		return time.Time{}
	}
	return s.held[0].arrived.Add(reorderWindow)
}
