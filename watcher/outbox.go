package watcher

// outbox holds the events that the consumer has not taken yet, at most one Closed or Removed and one
// Absent for each path: a slow consumer costs memory for each file, not for each event.
type outbox struct {
	order  []outKey // from head on, oldest first
	head   int
	events map[outKey]Event
}

// An answer keeps a place of its own, so that no later event of the path swallows it.
type outKey struct {
	path   string
	absent bool
}

func newOutbox() *outbox { return &outbox{events: map[outKey]Event{}} }

func (o *outbox) put(ev Event) {
	k := outKey{ev.Path, ev.Op == Absent}
	if _, ok := o.events[k]; !ok {
		o.order = append(o.order, k)
	}
	o.events[k] = ev
}

func (o *outbox) empty() bool { return o.head == len(o.order) }

func (o *outbox) first() Event { return o.events[o.order[o.head]] }

func (o *outbox) pop() {
	delete(o.events, o.order[o.head])
	o.order[o.head] = outKey{}
	o.head++
	if o.head == len(o.order) {
		o.order, o.head = o.order[:0], 0
		return
	}
	if o.head > 1024 && o.head > len(o.order)/2 {
		o.order = append(o.order[:0], o.order[o.head:]...)
		o.head = 0
	}
}
