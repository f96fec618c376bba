package publish

import (
	"path"
	"slices"
	"sort"
)

// Turns are the streams that have something to do, in the order of their turns: directories have
// theirs one after the other, and so do the streams in each. So a master playlist of thousands of
// streams takes no more turns than a stream that is alone in its directory (R9).
//
// A stream takes a ticket, with the number that is called now, or with the one after the last ticket of
// its directory. The lowest number comes first, and of those with the same one, who came first.
type turns struct {
	waiting []*stream
	called  uint64
	last    map[directory]uint64 // the number of the last ticket; one that was called before may be missing
	passed  int                  // how often a backlog let others go first since one had its turn
	queued  [2]int               // how many wait, by the pool of workers
}

// A directory is one with the directories of streams.
type directory struct {
	src  *Source
	path string
}

// fewDirectories is of how many the last tickets are remembered for nothing.
const fewDirectories = 64

// join has st wait for its turn, if it does not yet.
func (t *turns) join(st *stream) {
	if st.turn.queued {
		return
	}
	d := directory{st.src, path.Dir(st.name)}
	ticket := t.called
	if last, ok := t.last[d]; ok {
		ticket = max(ticket, last+1)
	}
	if t.last == nil {
		t.last = make(map[directory]uint64)
	}
	t.last[d] = ticket
	st.turn.queued, st.turn.ticket = true, ticket
	t.queued[st.pool()]++
	at := sort.Search(len(t.waiting), func(i int) bool { return t.waiting[i].turn.ticket > ticket })
	t.waiting = slices.Insert(t.waiting, at, st)
	if len(t.last) > 2*len(t.waiting)+fewDirectories {
		for d, last := range t.last {
			if last < t.called {
				delete(t.last, d)
			}
		}
	}
}

// next takes the stream whose turn it is, or returns nil. may reports whether a stream may have a job
// now. One that has nothing but a backlog lets others go first, for a while.
func (t *turns) next(may func(*stream) bool) *stream {
	waiting, backlog := t.waiting[:0], -1
	for i, st := range t.waiting {
		switch state := st.turn.state; {
		case !state.isReady():
			t.leaves(st)
			continue
		case state == hasBacklog && backlog >= 0, !may(st):
		case state == hasBacklog && t.passed < passes:
			backlog = len(waiting)
		default:
			t.took(st, backlog >= 0)
			t.waiting = append(waiting, t.waiting[i+1:]...)
			return st
		}
		waiting = append(waiting, st)
	}
	clear(t.waiting[len(waiting):])
	t.waiting = waiting
	if backlog < 0 {
		return nil
	}
	st := waiting[backlog]
	t.took(st, false)
	t.waiting = slices.Delete(waiting, backlog, backlog+1)
	return st
}

// took calls the ticket of st, whose turn it is, and notes whether that passed a backlog.
func (t *turns) took(st *stream, passed bool) {
	t.leaves(st)
	t.called = max(t.called, st.turn.ticket)
	switch {
	case st.turn.state == hasBacklog:
		t.passed = 0
	case passed:
		t.passed++
	}
}

// leaves counts that st does not wait any more.
func (t *turns) leaves(st *stream) {
	st.turn.queued = false
	t.queued[st.pool()]--
}
