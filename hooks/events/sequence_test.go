package events

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// feed adds events a millisecond apart and returns what passed, in order.
func feed(s *sequence, at *time.Time, events ...Event) (all passed) {
	for _, e := range events {
		*at = at.Add(time.Millisecond)
		all = all.and(s.add(e, *at))
	}
	return all
}

func (p passed) and(q passed) passed {
	return passed{append(p.events, q.events...), append(p.duplicates, q.duplicates...), p.lost + q.lost, p.restarted || q.restarted}
}

func ids(events []Event) (ids []uint64) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func event(id uint64) Event { return Event{ID: id, ProcessID: 1, Timestamp: 1000} }

func TestRecordedArrivalsAreOrdered(t *testing.T) {
	all := arrivals(t)
	if slices.IsSorted(ids(all)) {
		t.Fatal("the recording is in order already")
	}
	var s sequence
	now := time.Unix(0, 0)
	first := slices.MinFunc(all, func(a, b Event) int { return int(a.ID) - int(b.ID) })
	got := feed(&s, &now, append([]Event{first}, all...)...)
	got = got.and(s.expire(now.Add(time.Second)))
	if !slices.IsSorted(ids(got.events)) || len(got.events) != len(all) || got.restarted || len(got.duplicates) != 1 {
		t.Errorf("%v, %d of %d events, %d duplicates", ids(got.events), len(got.events), len(all), len(got.duplicates))
	}
}

func TestGapIsLostAfterTheWindow(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	if got := feed(&s, &now, event(1), event(3), event(4)); len(got.events) != 1 || got.lost != 0 {
		t.Fatalf("%+v", got)
	}
	if got := s.expire(s.deadline().Add(-time.Nanosecond)); len(got.events) != 0 || got.lost != 0 {
		t.Errorf("before the window closes: %+v", got)
	}
	if got := s.expire(s.deadline().Add(time.Millisecond)); !slices.Equal(ids(got.events), []uint64{3, 4}) || got.lost != 1 {
		t.Errorf("after it: %+v", got)
	}
	if !s.deadline().IsZero() {
		t.Error("it still waits")
	}
	if got := feed(&s, &now, event(2)); !slices.Equal(ids(got.events), []uint64{2}) {
		t.Errorf("one that comes late: %+v", got)
	}
	if got := feed(&s, &now, event(2), event(3), event(1)); len(got.events) != 0 || len(got.duplicates) != 3 {
		t.Errorf("duplicates: %+v", got)
	}
}

func TestRestartOfTheServer(t *testing.T) {
	for name, again := range map[string]Event{
		"another process":                {ID: 1, ProcessID: 2, Timestamp: 1005},
		"the same process id":            {ID: 1, ProcessID: 1, Timestamp: 1005},
		"another process, its 1st lost":  {ID: 2, ProcessID: 2, Timestamp: 1005},
		"another process, a greater id ": {ID: 900, ProcessID: 2, Timestamp: 1005},
	} {
		var s sequence
		now := time.Unix(0, 0)
		feed(&s, &now, event(1), event(2), event(3), event(5))
		got := feed(&s, &now, again)
		got = got.and(s.expire(now.Add(time.Second)))
		if !got.restarted || !slices.Equal(ids(got.events), []uint64{5, again.ID}) || got.lost != 1+again.ID-1 {
			t.Errorf("%s: %+v", name, got)
		}
		old := Event{ID: 4, ProcessID: 1, Timestamp: 1000}
		if got := feed(&s, &now, old); again.ProcessID != 1 && (got.restarted || len(got.events) != 1) {
			t.Errorf("%s: a straggler of the old run: %+v", name, got)
		}
	}
}

// The window of one gap is not the next one's delay: with many gaps, events would fall behind for ever.
func TestGapsDoNotAddUp(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	var late time.Duration
	arrived := make(map[uint64]time.Time)
	s.add(event(1), now)
	for id := uint64(2); id < 20000; id++ {
		now = now.Add(500 * time.Microsecond)
		var got passed
		if random.Float64() > 0.3 {
			arrived[id] = now
			got = s.add(event(id), now)
		}
		if at := s.deadline(); !at.IsZero() && !at.After(now) {
			got = got.and(s.expire(now))
		}
		for _, e := range got.events {
			late = max(late, now.Sub(arrived[e.ID]))
		}
	}
	if late > reorderWindow+time.Millisecond {
		t.Errorf("an event waited %v", late)
	}
}

func TestWhatIsHeldIsBounded(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	s.add(event(1), now)
	for id := uint64(10); id < 100000; id += 2 {
		s.add(event(id), now)
	}
	for id := uint64(100000); id > 3; id-- {
		s.add(event(id), now)
	}
	if len(s.held) > maxHeld || len(s.seen) > 2*remembered {
		t.Errorf("%d held, %d remembered", len(s.held), len(s.seen))
	}
}
