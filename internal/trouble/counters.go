package trouble

import "maps"

// Others is the stream under which those are counted together that are no longer told apart.
const Others = "(others)"

// label is what a counter is for.
type label struct{ kind, stream string }

// counters count by kind and stream.
type counters struct {
	told   *recent[label, *uint64]
	others map[string]uint64 // by kind
}

func newCounters() *counters {
	return &counters{told: newRecent[label, *uint64](maxCounts), others: make(map[string]uint64)}
}

func (c *counters) add(kind, stream string) {
	l := label{kind, short(stream, maxStream)}
	n, ok := c.told.get(l)
	if !ok {
		n = new(uint64)
		if evicted, full := c.told.put(l, n); full {
			c.others[evicted.key.kind] += *evicted.value
		}
	}
	*n++
}

// all returns a copy of the counts.
func (c *counters) all() map[label]Count {
	counts := make(map[label]Count, len(c.told.byKey)+len(c.others))
	for l, n := range c.told.all() {
		counts[l] = Count{l.kind, l.stream, *n}
	}
	for kind, n := range maps.All(c.others) {
		l := label{kind, Others}
		counts[l] = Count{kind, Others, counts[l].Times + n} // a stream may be called so
	}
	return counts
}

// Total returns how often trouble was reported so far at the level of a warning or above. Conditions
// count as in Counts, and those that are Untold do not.
func (r *Reporter) Total() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// Holding returns how many conditions hold now, by kind: of all that began, those that did not end.
// One that has no end, such as a store that lacks a function, holds for good.
func (r *Reporter) Holding() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	holding := make(map[string]int)
	for _, c := range r.conditions.all() {
		holding[c.kind]++
	}
	return holding
}
