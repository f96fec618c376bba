package watcher

import (
	"container/heap"
	"time"
)

// A dueList holds the entries that are to be decided on, by time. If an entry's time moves on, it
// stays where it is, and is put back when its former time comes: every write moves an entry, and
// that must cost nothing.
type dueList struct{ items dueHeap }

type dueItem struct {
	at    time.Time
	entry *entry
}

// set has e decided on at t, and not when it was due before.
func (l *dueList) set(e *entry, t time.Time) {
	e.due = t
	if e.queued.IsZero() || t.Before(e.queued) {
		e.queued = t
		heap.Push(&l.items, dueItem{t, e})
	}
}

// pop returns an entry that is due at now, or nil.
func (l *dueList) pop(now time.Time) *entry {
	for len(l.items) > 0 && !l.items[0].at.After(now) {
		it := heap.Pop(&l.items).(dueItem)
		e := it.entry
		if !it.at.Equal(e.queued) {
			continue // an earlier time has replaced it
		}
		e.queued = time.Time{}
		switch {
		case e.due.IsZero():
		case e.due.After(now):
			l.set(e, e.due)
		default:
			e.due = time.Time{}
			return e
		}
	}
	return nil
}

// next returns when the first entry comes up, and whether there is one.
func (l *dueList) next() (time.Time, bool) {
	if len(l.items) == 0 {
		return time.Time{}, false
	}
	return l.items[0].at, true
}

type dueHeap []dueItem

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueItem)) }
func (h *dueHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	old[len(old)-1] = dueItem{}
	*h = old[:len(old)-1]
	return it
}
