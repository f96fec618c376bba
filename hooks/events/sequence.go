package events

import (
	"cmp"
	"slices"
	"time"
)

const (
	// reorderWindow is how long an event waits for those with smaller ids. On an idle machine the
	// server's events were seen to overtake each other by some milliseconds.
	reorderWindow = 100 * time.Millisecond
)

// A sequence puts the events of the server into the order of their ids, and finds out which are
// missing.
type sequence struct {
	runs []*run // the one that sent the last event first
}

// A run is what one process of the server sends. Each counts its own events.
type run struct {
	process int64
	next    uint64           // the id that is to pass next
	newest  int64            // the greatest timestamp
	held    []*held          // in the order of ids
	seen    [remembered]mark // those of the last ids that passed, each at its id modulo remembered
	gaps    gaps
}

type held struct {
	event   Event
	arrived time.Time
}

// A mark says that an id has passed, and what the event's timestamp was.
type mark struct {
	id uint64 // 0: none has
	at int64
}

// passed is what the sequence releases, and what it found out.
type passed struct {
	events     []Event // in their order
	duplicates []Event
	missing    uint64 // ids that are not waited for any more
	lost       uint64 // those of them, or of former ones, that are known now to be losses
	skips      bool   // it is known now that the server does not send every id here
	restarted  bool   // a process began to count
}

// add adds one event. Those without an id pass at once.
func (s *sequence) add(e Event, now time.Time) (p passed) {
	if e.ID == 0 {
		p.events = append(p.events, e)
		return p
	}
	i := slices.IndexFunc(s.runs, func(r *run) bool { return r.process == e.ProcessID })
	switch {
	case len(s.runs) == 0:
		s.begin(e.ProcessID, e.ID) // what came before this start is not missing
	case i < 0:
		p = s.flush()
		p.restarted = true
		first := uint64(1)
		if e.ID > maxHeld {
			first = e.ID // it has been there for longer, and says something only now
		}
		s.begin(e.ProcessID, first)
	case s.runs[i].restarted(e):
		p = s.flush()
		p.restarted = true
		s.runs = slices.Delete(s.runs, i, i+1)
		s.begin(e.ProcessID, 1)
	default:
		r := s.runs[i]
		copy(s.runs[1:i+1], s.runs[:i])
		s.runs[0] = r
	}
	s.runs[0].add(&p, e, now)
	return p
}

// begin puts a new run before the others. If that makes too many, it drops the last one, none of
// whose events may wait then.
func (s *sequence) begin(process int64, next uint64) {
	s.runs = slices.Insert(s.runs[:min(len(s.runs), maxRuns-1)], 0, &run{process: process, next: next})
}

// expire gives up what was waited for for too long.
func (s *sequence) expire(now time.Time) (p passed) {
	for _, r := range s.runs {
		r.expire(&p, now)
	}
	return p
}

// flush passes all that waits.
func (s *sequence) flush() (p passed) {
	for _, r := range s.runs {
		r.passUpTo(&p, ^uint64(0))
	}
	return p
}

// deadline is when expire is to be called; zero: not yet.
func (s *sequence) deadline() (at time.Time) {
	for _, r := range s.runs {
		for _, h := range r.held {
			if due := h.arrived.Add(reorderWindow); at.IsZero() || due.Before(at) {
				at = due
			}
		}
	}
	return at
}

// restarted reports whether an event with the same process id is of a new run: in a container, it
// is always the same. The clock may have been set back meanwhile. The same event twice has the same
// timestamp.
func (r *run) restarted(e Event) bool {
	if e.ID >= r.next {
		return false
	}
	if m := r.seen[e.ID%remembered]; m.id == e.ID {
		return max(e.Timestamp-m.at, m.at-e.Timestamp) > 1
	}
	return r.next-e.ID > remembered && e.Timestamp >= r.newest
}

func (r *run) add(p *passed, e Event, now time.Time) {
	r.newest = max(r.newest, e.Timestamp)
	i, waits := slices.BinarySearchFunc(r.held, e.ID, func(h *held, id uint64) int { return cmp.Compare(h.event.ID, id) })
	switch {
	case waits || r.seen[e.ID%remembered].id == e.ID:
		p.duplicates = append(p.duplicates, e)
	case e.ID < r.next: // late, which is better than never
		r.gaps.late()
		r.remember(e)
		p.events = append(p.events, e)
	case e.ID > r.next:
		r.held = slices.Insert(r.held, i, &held{e, now})
		if len(r.held) > maxHeld {
			r.passUpTo(p, ^uint64(0))
		}
	default:
		r.pass(p, e)
		r.passUpTo(p, 0)
	}
}

func (r *run) expire(p *passed, now time.Time) {
	for _, h := range slices.Backward(r.held) {
		if now.Sub(h.arrived) >= reorderWindow {
			r.passUpTo(p, h.event.ID)
			return
		}
	}
}

// passUpTo passes what waits with ids up to this one, and what follows without a gap.
func (r *run) passUpTo(p *passed, id uint64) {
	n := 0
	for n < len(r.held) && (r.held[n].event.ID <= id || r.held[n].event.ID == r.next) {
		r.pass(p, r.held[n].event)
		n++
	}
	r.held = slices.Delete(r.held, 0, n)
}

func (r *run) pass(p *passed, e Event) {
	p.missing += e.ID - r.next
	r.gaps.pass(p, e.ID-r.next)
	r.next = e.ID + 1
	r.remember(e)
	p.events = append(p.events, e)
}

func (r *run) remember(e Event) {
	if m := &r.seen[e.ID%remembered]; m.id < e.ID { // else it is late, and so is that one
		*m = mark{e.ID, e.Timestamp}
	}
}
