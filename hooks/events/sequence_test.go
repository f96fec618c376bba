package events

import (
	"math/rand/v2"
	"runtime"
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
	return passed{
		append(p.events, q.events...), append(p.duplicates, q.duplicates...), p.missing + q.missing, p.lost + q.lost,
		p.skips || q.skips, p.restarted || q.restarted,
	}
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

func TestAGapIsGivenUpAfterTheWindow(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	if got := feed(&s, &now, event(1), event(3), event(4)); len(got.events) != 1 || got.missing != 0 {
		t.Fatalf("%+v", got)
	}
	if got := s.expire(s.deadline().Add(-time.Nanosecond)); len(got.events) != 0 || got.missing != 0 {
		t.Errorf("before the window closes: %+v", got)
	}
	if got := s.expire(s.deadline().Add(time.Millisecond)); !slices.Equal(ids(got.events), []uint64{3, 4}) || got.missing != 1 {
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

func TestEventThatWasOvertakenBringsTheOthers(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	if got := feed(&s, &now, event(1), event(4), event(3), event(2)); !slices.Equal(ids(got.events), []uint64{1, 2, 3, 4}) || got.missing != 0 {
		t.Errorf("%+v", got)
	}
}

func TestVeryLateEventDoesNotHideANewerOne(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	s.add(event(1), now)
	for id := uint64(3); id <= 2+remembered; id++ {
		s.add(event(id), now)
		s.expire(now.Add(time.Second))
	}
	s.add(Event{ID: 2, ProcessID: 1, Timestamp: 999}, now)
	if got := s.add(event(2+remembered), now); len(got.duplicates) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestRestartInAContainerAfterManyEvents(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	for id := uint64(1); id <= 3*remembered; id++ {
		s.add(event(id), now)
	}
	if got := s.add(Event{ID: 1, ProcessID: 1, Timestamp: 1005}, now); !got.restarted || len(got.events) != 1 {
		t.Errorf("%+v", got)
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
		if !got.restarted || !slices.Equal(ids(got.events), []uint64{5, again.ID}) || got.missing != 1+again.ID-1 {
			t.Errorf("%s: %+v", name, got)
		}
		old := Event{ID: 4, ProcessID: 1, Timestamp: 1000}
		if got := feed(&s, &now, old); again.ProcessID != 1 && (got.restarted || len(got.events) != 1) {
			t.Errorf("%s: a straggler of the old run: %+v", name, got)
		}
	}
}

// The window of one gap is not the next one's delay: with many gaps, events would fall behind for
// ever.
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

// Each process counts its own events.
func TestProcessesOfOneServerDoNotDisturbEachOther(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	var all passed
	for id := uint64(1); id <= 1000; id++ {
		all = all.and(feed(&s, &now, Event{ID: id, ProcessID: 7, Timestamp: 5}))
		if id%100 != 50 {
			all = all.and(feed(&s, &now, Event{ID: id, ProcessID: 8, Timestamp: 5}))
		}
		if id == 1 && !all.restarted {
			t.Error("the second process was not noticed")
		}
		if id > 1 && s.runs[0].process != 8 && id%100 != 50 || len(s.runs) > 2 {
			t.Fatalf("%d: %d runs", id, len(s.runs))
		}
		all = all.and(s.expire(now.Add(time.Second)))
		if all.restarted = all.restarted && id > 1; all.restarted {
			t.Fatalf("%d: restarted", id)
		}
	}
	if all.missing != 10 || len(all.duplicates) != 0 || len(all.events) != 1990 {
		t.Errorf("%d events, %d missing, %d duplicates", len(all.events), all.missing, len(all.duplicates))
	}
}

func TestAProcessThatIsFirstSeenLateHasNoMissingEvents(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	got := feed(&s, &now, event(1), Event{ID: 5000, ProcessID: 2, Timestamp: 1000}, Event{ID: 5001, ProcessID: 2, Timestamp: 1000})
	if !got.restarted || got.missing != 0 || !slices.Equal(ids(got.events), []uint64{1, 5000, 5001}) {
		t.Errorf("%+v", got)
	}
}

// In a container the process id stays the same, and a machine's clock may be set back while it
// starts.
func TestRestartAfterTheClockWasSetBackLosesNothing(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	for id := uint64(1); id <= 100; id++ {
		feed(&s, &now, event(id))
	}
	var again []Event
	for id := uint64(1); id <= 100; id++ {
		again = append(again, Event{ID: id, ProcessID: 1, Timestamp: 10})
	}
	if got := feed(&s, &now, again...); !got.restarted || len(got.events) != 100 || len(got.duplicates) != 0 {
		t.Errorf("restarted: %v, %d events, %d duplicates", got.restarted, len(got.events), len(got.duplicates))
	}
	if got := feed(&s, &now, again...); got.restarted || len(got.duplicates) != 100 {
		t.Errorf("the same once more: restarted: %v, %d duplicates", got.restarted, len(got.duplicates))
	}
}

// Whatever order events come in, each passes once, and what passes on time is in order.
func TestEachEventPassesOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 3))
	for range 50 {
		var s sequence
		now := time.Unix(0, 0)
		s.add(event(1), now)
		var sent []Event
		for id := uint64(2); id < 3000; id++ {
			if random.Float64() > 0.2 {
				sent = append(sent, event(id))
			}
		}
		for i := range sent { // none overtakes by more than 20 ms
			j := min(len(sent)-1, i+random.IntN(20))
			sent[i], sent[j] = sent[j], sent[i]
		}
		var all passed
		for _, e := range sent {
			all = all.and(feed(&s, &now, e, e))
			if at := s.deadline(); !at.IsZero() && !at.After(now) {
				all = all.and(s.expire(now))
			}
		}
		all = all.and(s.flush())
		if len(all.events) != len(sent) || len(all.duplicates) != len(sent) || !s.deadline().IsZero() {
			t.Fatalf("%d of %d events passed, %d duplicates", len(all.events), len(sent), len(all.duplicates))
		}
	}
}

func TestWhatIsHeldIsBounded(t *testing.T) {
	var s sequence
	now := time.Unix(0, 0)
	s.add(event(1), now)
	for id := uint64(10); id < 100000; id += 2 {
		s.add(event(id), now)
	}
	if n := len(s.runs[0].held); n == 0 || n > maxHeld {
		t.Errorf("%d held", n)
	}
	for id := uint64(100000); id > 3; id-- {
		s.add(event(id), now)
	}
	for process := range int64(100) {
		s.add(Event{ID: 2, ProcessID: process, Timestamp: 1}, now)
	}
	waiting := 0
	for _, r := range s.runs {
		waiting += len(r.held)
		if len(r.held) > maxHeld {
			t.Errorf("%d held", len(r.held))
		}
	}
	if len(s.runs) > maxRuns || waiting > 1 {
		t.Errorf("%d runs, %d held", len(s.runs), waiting)
	}
}

// Gaps are normal where the server's logger filters what has an id already.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 5))
	var s sequence
	now := time.Unix(0, 0)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for id := uint64(1); id < 300_000; id++ {
		now = now.Add(time.Millisecond)
		if random.Float64() > 0.3 {
			s.add(event(id), now)
		}
		if at := s.deadline(); !at.IsZero() && !at.After(now) {
			s.expire(now)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d bytes are kept", grown)
	}
	runtime.KeepAlive(&s)
}
