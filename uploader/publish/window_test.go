package publish

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"ems-sidecar/media"
)

// A load keeps a window full, for a time, at a bucket that takes so long for a PUT with so many in
// flight. It returns the largest and the last size.
func fill(w *window, bound int, during time.Duration, takes func(inFlight int) time.Duration) (most, last int) {
	now := time.Unix(0, 0)
	for end := now.Add(during); now.Before(end); {
		for w.room() {
			w.begin()
		}
		most = max(most, w.inFlight)
		took := takes(w.inFlight)
		w.end()
		w.answered(9, took, bound, now)
		now = now.Add(took / time.Duration(w.inFlight+1))
	}
	return most, w.size
}

func TestAWindowGrowsWhileAnswersTakeNoLonger(t *testing.T) {
	w := &window{size: firstWindow}
	if _, last := fill(w, 128, 5*time.Second, func(int) time.Duration { return 110 * time.Millisecond }); last != 128 {
		t.Errorf("after 5s at a bucket that takes 110ms, %d requests may be in flight", last)
	}
}

// On a line that is full, more requests only make each of them slower.
func TestAWindowDoesNotFillALine(t *testing.T) {
	w := &window{size: firstWindow}
	chance := rand.New(rand.NewPCG(1, 2))
	most, last := fill(w, 128, 12*time.Hour, func(inFlight int) time.Duration {
		return time.Duration(float64(inFlight) * 20 * float64(time.Millisecond) * math.Exp(0.5*chance.NormFloat64()))
	})
	if most > 4*firstWindow || last < firstWindow {
		t.Errorf("on a line that takes 50 PUTs a second, %d requests were in flight at the most, and %d are", most, last)
	}
}

// Fewer requests do not make a store faster that gets slower by itself.
func TestAWindowIsNotMadeSmallByASlowStore(t *testing.T) {
	w := &window{size: firstWindow}
	fill(w, 128, time.Minute, func(int) time.Duration { return 50 * time.Millisecond })
	if _, last := fill(w, 128, 10*time.Minute, func(int) time.Duration { return 2 * time.Second }); last != 128 {
		t.Errorf("%d requests may be in flight", last)
	}
}

func TestAWindowThatIsNotFilledStays(t *testing.T) {
	w := &window{size: firstWindow}
	for range 10_000 {
		w.begin()
		w.end()
		w.answered(9, time.Millisecond, 128, time.Now())
	}
	if w.size != firstWindow {
		t.Errorf("one request at a time made the window %d", w.size)
	}
}

func TestAWindowShrinksWhenTheBucketWantsFewer(t *testing.T) {
	now := time.Unix(0, 0)
	w := &window{size: 100}
	for range 50 { // in flight together
		w.throttled(now)
	}
	if w.size != 70 {
		t.Errorf("after one SlowDown, %d of 100 requests may be in flight", w.size)
	}
	for n := range 100 {
		w.throttled(now.Add(time.Duration(n) * windowCutPause))
	}
	if w.size != leastWindow {
		t.Errorf("at a bucket that goes on to refuse, %d requests may be in flight", w.size)
	}
	cut := w.cutAt
	answers := func(medians int, at time.Time) {
		for range medians * windowAnswers {
			w.filled = true
			w.answered(9, time.Millisecond, 128, at)
		}
	}
	answers(3, cut)
	if w.size != leastWindow+3 {
		t.Errorf("soon after that, the window grew to %d", w.size)
	}
	answers(20, cut.Add(cautiousTime))
	if w.size != 128 {
		t.Errorf("long after that, the window grew to %d", w.size)
	}
}

// The bound is the operator's, also if that is a single one.
func TestAWindowKeepsItsBound(t *testing.T) {
	for _, bound := range []int{1, 3, 20} {
		w := &window{size: firstWindow}
		if _, last := fill(w, bound, time.Minute, func(int) time.Duration { return time.Millisecond }); last > bound {
			t.Errorf("%d requests may be in flight, and the bound is %d", last, bound)
		}
	}
}

// A slow bucket has many requests in flight. Others still find workers.
func TestR9OneOfSeveralBucketsLeavesWorkersToTheOthers(t *testing.T) {
	now := time.Now()
	s := New(Settings{Workers: 8, Began: now, Jitter: func(time.Duration) time.Duration { return 0 }})
	slow, other := s.Add("/slow", hlsLayout, &Destination{}, false), s.Add("/other", hlsLayout, &Destination{}, false)
	start := func(src *Source) (n int) {
		for i := range 20 {
			s.Closed(src, fmt.Sprintf("g/s%d/1.ts", i), media.Version{Size: 9, ModTime: now, Inode: uint64(i + 1)},
				false, nil, now)
		}
		for _, ok := s.Next(now); ok; _, ok = s.Next(now) {
			n++
		}
		return n
	}
	s.lane(other.dest)
	if n := start(slow); n != 6 {
		t.Errorf("a bucket of two has %d of 8 workers", n)
	}
	if n := start(other); n != 2 {
		t.Errorf("the other one has %d", n)
	}
}
