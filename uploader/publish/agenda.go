package publish

import (
	"container/heap"
	"time"
)

// An agenda knows which streams have something to do, and when the others may have. A stream is
// considered again when something around it has changed, or when its time has come: what an event
// costs does not grow with the streams that it does not concern.
type agenda struct {
	changed []*stream // to be considered again
	turns   turns     // that have something to do, or had
	checks  checks
	resting resting // the others that wait for a time
}

// A turn is what was decided about a stream.
type turn struct {
	state  turnState
	queued bool      // in agenda.turns
	ticket uint64    // see turns
	checks bool      // in checks.line
	at     time.Time // when to consider it again; zero: when something changes
	index  int       // in agenda.resting, from 1; 0: it is not in there
}

type turnState uint8

const (
	undecided turnState = iota // nothing was decided yet
	changed                    // it is in agenda.changed
	hasChoice
	hasBacklog // what it has to do is nothing that a manifest waits for
	hasCheck   // nor is it more than a question: see choice.isCheck
	rests
)

// isReady reports whether there was something to do that is no check.
func (t turnState) isReady() bool { return t == hasChoice || t == hasBacklog }

// state returns the state that follows from what was decided.
func (c choice) state() turnState {
	switch {
	case c.file == nil:
		return rests
	case c.isCheck:
		return hasCheck
	case c.isBacklog:
		return hasBacklog
	}
	return hasChoice
}

// reconsider has st considered again.
func (a *agenda) reconsider(st *stream) {
	if st.turn.state != changed {
		st.turn.state = changed
		a.changed = append(a.changed, st)
	}
}

// decided records what was decided about st.
func (a *agenda) decided(st *stream, c choice, at time.Time) {
	t := &st.turn
	t.at, t.state = at, c.state()
	if t.state.isReady() {
		a.turns.join(st)
	}
	if t.state == hasCheck {
		a.checks.join(st)
	}
	switch {
	case at.IsZero() && t.index > 0:
		heap.Remove(&a.resting, t.index-1)
	case at.IsZero():
	case t.index > 0:
		heap.Fix(&a.resting, t.index-1)
	default:
		heap.Push(&a.resting, st)
	}
}

// resting is a heap of streams, by the times at which they are considered again.
type resting []*stream

func (r resting) Len() int           { return len(r) }
func (r resting) Less(i, j int) bool { return r[i].turn.at.Before(r[j].turn.at) }

func (r resting) Swap(i, j int) {
	r[i], r[j] = r[j], r[i]
	r[i].turn.index, r[j].turn.index = i+1, j+1
}

func (r *resting) Push(x any) {
	st := x.(*stream)
	*r = append(*r, st)
	st.turn.index = len(*r)
}

func (r *resting) Pop() any {
	old := *r
	st := old[len(old)-1]
	*r = old[:len(old)-1]
	st.turn.index = 0
	return st
}

// touch has st considered again, and the streams whose manifests name its files, or whose files its
// manifests name: what they may do depends on each other.
func (s *Schedule) touch(st *stream) {
	s.agenda.reconsider(st)
	for _, m := range st.links.namedBy {
		s.agenda.reconsider(m.file.stream)
	}
	for _, named := range st.links.names {
		s.agenda.reconsider(named)
	}
}

// touchPath has the stream of the file p considered again, and that which it had before, which may be nil.
func (s *Schedule) touchPath(src *Source, p string, before *stream) {
	for _, st := range []*stream{before, src.streamOf(p)} {
		if st != nil {
			s.touch(st)
		}
	}
}

// streamOf returns the stream that has the file p, or will have it, or nil.
func (src *Source) streamOf(p string) *stream {
	if f, ok := src.files[p]; ok {
		return f.stream
	}
	return src.schedule.streams[streamKey{src: src, name: src.layout.Stream(p)}]
}

// touchAll has all streams considered again, or those of one destination or source.
func (s *Schedule) touchAll(which func(*stream) bool) {
	for _, st := range s.ring {
		if which == nil || which(st) {
			s.agenda.reconsider(st)
		}
	}
}

// consider decides about the streams that have changed, and those whose time has come.
func (s *Schedule) consider(now time.Time) {
	a := &s.agenda
	for len(a.resting) > 0 && !now.Before(a.resting[0].turn.at) {
		a.reconsider(heap.Pop(&a.resting).(*stream))
	}
	for i := 0; i < len(a.changed); i++ { // a decision about one may have another considered
		st := a.changed[i]
		c, at := s.decide(st, now)
		a.decided(st, c, at)
	}
	a.changed = a.changed[:0]
}

// decide returns what st does next, or when it may have something to do.
func (s *Schedule) decide(st *stream, now time.Time) (choice, time.Time) {
	return st.decide(now, s.draining || st.src.isStuck(), s.lane(st.src.dest).closedTo(st))
}

// forget takes st, which has no files any more, off the agenda.
func (a *agenda) forget(st *stream) {
	if st.turn.index > 0 {
		heap.Remove(&a.resting, st.turn.index-1)
	}
}
