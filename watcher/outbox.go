package watcher

// An outbox holds the events that the consumer has not taken yet: at most one Closed or Removed and
// one Absent for each path. So a slow consumer costs memory for each file, not for each event.
// Files of the first scan come after those that change now, and absent files come last: a live
// stream must not wait for a hundred thousand old files, or for a playlist that names as many which
// do not exist.
type outbox struct {
	news    queue // Closed and Removed
	old     queue // the same, of files that the first scan found
	answers queue // Absent, which no later event of the path replaces
}

func newOutbox() *outbox { return &outbox{news: newQueue(), old: newQueue(), answers: newQueue()} }

func (o *outbox) put(ev Event) {
	if ev.Op == Absent {
		o.answers.put(ev)
		return
	}
	o.old.drop(ev.Path)
	o.news.put(ev)
}

// putOld is put for a backlogged file.
func (o *outbox) putOld(ev Event) { o.old.put(ev) }

func (o *outbox) empty() bool { return o.news.empty() && o.old.empty() && o.answers.empty() }

// next returns the queue whose turn it is.
func (o *outbox) next() *queue {
	switch {
	case !o.news.empty():
		return &o.news
	case !o.old.empty():
		return &o.old
	}
	return &o.answers
}

func (o *outbox) first() Event { return o.next().first() }

// pop removes the event that first returned, if there was no put in between.
func (o *outbox) pop() { o.next().pop() }

// A queue has one event for each path, in the order in which the paths came.
type queue struct {
	order  []string // from head on, the oldest first; some have no event any more
	head   int
	events map[string]Event
}

func newQueue() queue { return queue{events: map[string]Event{}} }

func (q *queue) put(ev Event) {
	if _, ok := q.events[ev.Path]; !ok {
		q.order = append(q.order, ev.Path)
	}
	q.events[ev.Path] = ev
}

// drop removes the event of p, if there is one.
func (q *queue) drop(p string) {
	delete(q.events, p)
	q.skip()
}

func (q *queue) empty() bool { return len(q.events) == 0 }

func (q *queue) first() Event { return q.events[q.order[q.head]] }

func (q *queue) pop() { q.drop(q.order[q.head]) }

// skip moves the head to the next path that has an event.
func (q *queue) skip() {
	for q.head < len(q.order) {
		if _, ok := q.events[q.order[q.head]]; ok {
			break
		}
		q.order[q.head] = ""
		q.head++
	}
	switch {
	case q.head == len(q.order) && cap(q.order) > burst:
		*q = newQueue()
	case q.head == len(q.order):
		q.order, q.head = q.order[:0], 0
	case q.head > burst && q.head > len(q.order)/2:
		q.order = append(q.order[:0], q.order[q.head:]...)
		q.head = 0
	}
}

// burst is how many paths are so many that their memory is not kept for later ones.
const burst = 1024
