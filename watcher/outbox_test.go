package watcher

import (
	"fmt"
	"testing"
)

// What a burst took is given back when the consumer has it, and the order stays.
func TestMemoryOfABurstIsGivenBack(t *testing.T) {
	q := newQueue()
	for round, n := range []int{2 * burst, 3, 2 * burst} {
		for i := range n {
			q.put(Event{Path: fmt.Sprint(i)})
		}
		for i := range n {
			if got := q.first().Path; got != fmt.Sprint(i) {
				t.Fatalf("round %d: the event of %s is the first, want %d", round, got, i)
			}
			q.pop()
		}
		if !q.empty() || cap(q.order) > burst {
			t.Errorf("round %d: room for %d paths is kept", round, cap(q.order))
		}
	}
}
