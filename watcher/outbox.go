package watcher

// outbox holds the events that the consumer has not taken yet, at most one Closed or Removed and one
// Absent for each path: a slow consumer costs memory for each file, not for each event. What is absent comes
// last: a playlist that names a hundred thousand files which do not exist must not hold up another stream's.
type outbox struct {
	news    queue // Closed and Removed
	answers queue // Absent, which no later event of the path swallows
}

func newOutbox() *outbox {
	return &outbox{news: queue{events: map[string]Event{}}, answers: queue{events: map[string]Event{}}}
}

func (o *outbox) put(ev Event) {
	if ev.Op == Absent {
		o.answers.put(ev)
	} else {
		o.news.put(ev)
	}
}

func (o *outbox) empty() bool { return o.news.empty() && o.answers.empty() }

// next returns the queue whose turn it is.
func (o *outbox) next() *queue {
	if o.news.empty() {
		return &o.answers
	}
	return &o.news
}

func (o *outbox) first() Event { return o.next().first() }

// pop takes away what first returned, if nothing was put in between.
func (o *outbox) pop() { o.next().pop() }

// queue has one event for each path, in the order in which the paths came.
type queue struct {
	order  []string // from head on, oldest first
	head   int
	events map[string]Event
}

func (q *queue) put(ev Event) {
	if _, ok := q.events[ev.Path]; !ok {
		q.order = append(q.order, ev.Path)
	}
	q.events[ev.Path] = ev
}

func (q *queue) empty() bool { return q.head == len(q.order) }

func (q *queue) first() Event { return q.events[q.order[q.head]] }

func (q *queue) pop() {
	delete(q.events, q.order[q.head])
	q.order[q.head] = ""
	q.head++
	if q.head == len(q.order) {
		q.order, q.head = q.order[:0], 0
		return
	}
	if q.head > 1024 && q.head > len(q.order)/2 {
		q.order = append(q.order[:0], q.order[q.head:]...)
		q.head = 0
	}
}
