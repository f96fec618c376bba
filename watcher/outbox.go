package watcher

// outbox holds the events that the consumer has not taken yet, at most one Closed or Removed and one
// Absent for each path: a slow consumer costs memory for each file, not for each event. What the first scan found
// comes after what happens now, and what is absent comes last: a hundred thousand old files, or a playlist that names
// as many which do not exist, must not hold up a live stream's.
type outbox struct {
	news    queue // Closed and Removed
	old     queue // the same, of files that the first scan found
	answers queue // Absent, which no later event of the path swallows
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

// putOld is put for a file that the first scan found, and of which nothing else is known.
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

// pop takes away what first returned, if nothing was put in between.
func (o *outbox) pop() { o.next().pop() }

// queue has one event for each path, in the order in which the paths came.
type queue struct {
	order  []string // from head on, oldest first; some were dropped since
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

// drop takes away the event of p, if there is one.
func (q *queue) drop(p string) {
	delete(q.events, p)
	q.skip()
}

func (q *queue) empty() bool { return len(q.events) == 0 }

func (q *queue) first() Event { return q.events[q.order[q.head]] }

func (q *queue) pop() { q.drop(q.order[q.head]) }

// skip moves the head to a path that has an event.
func (q *queue) skip() {
	for q.head < len(q.order) {
		if _, ok := q.events[q.order[q.head]]; ok {
			break
		}
		q.order[q.head] = ""
		q.head++
	}
	if q.head == len(q.order) {
		q.order, q.head = q.order[:0], 0
		return
	}
	if q.head > 1024 && q.head > len(q.order)/2 {
		q.order = append(q.order[:0], q.order[q.head:]...)
		q.head = 0
	}
}
