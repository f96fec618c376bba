package media

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
)

// A timeline has the times at which the segments of a DASH SegmentTimeline or of a Smooth Streaming
// StreamIndex begin.
type timeline struct {
	runs    []run
	tail    uint64 // how many segments the last run has
	open    bool   // the last run lasts until what follows it; its tail is 1
	count   uint64 // of segments, saturating
	longest uint64 // duration of a segment
}

// A run is n segments of the duration d, the first of them at t.
type run struct{ t, d, n uint64 }

// add appends n segments of the duration d. They begin at t, or without hasTime at the end of those
// before. If open is set, n is 1, and they are as many as begin before what follows.
func (l *timeline) add(t, d, n uint64, hasTime, open bool) error {
	if i := len(l.runs) - 1; i >= 0 {
		r := &l.runs[i]
		if !hasTime {
			t = r.t + r.n*r.d
		}
		if l.open {
			*l = l.closed(t)
			r.n = l.tail
		}
	}
	if hi, length := bits.Mul64(d, n); hi > 0 || length > math.MaxUint64-t {
		return fmt.Errorf("%d times %d from %d on exceeds 64 bits", n, d, t)
	}
	l.runs = append(l.runs, run{t, d, n})
	l.tail, l.open = n, open
	l.count = plus(l.count, n)
	l.longest = max(l.longest, d)
	return nil
}

// stretch makes the last run's segments fill the time until end.
func (l *timeline) stretch(end uint64) {
	if r := &l.runs[len(l.runs)-1]; end > r.t {
		r.d = (end - r.t) / r.n
		l.longest = max(l.longest, r.d)
	}
}

// closed returns l without an open end: its last run lasts until end. It has at least the segments
// that are listed.
func (l timeline) closed(end uint64) timeline {
	if !l.open {
		return l
	}
	l.open = false
	if r := l.runs[len(l.runs)-1]; r.d > 0 && end > r.t {
		l.tail = (end-r.t-1)/r.d + 1
		l.count = plus(l.count, l.tail-1)
	}
	return l
}

// first and last return when the first and the last segment begin. l has at least one.
func (l timeline) first() uint64 { return l.runs[0].t }

func (l timeline) last() uint64 {
	r := l.runs[len(l.runs)-1]
	return r.t + (l.tail-1)*r.d
}

// begins yields the index and the time of each segment.
func (l timeline) begins() iter.Seq2[uint64, uint64] {
	return func(yield func(uint64, uint64) bool) {
		index := uint64(0)
		for i, r := range l.runs {
			if i == len(l.runs)-1 {
				r.n = l.tail
			}
			for k := range r.n {
				if !yield(index, r.t+k*r.d) {
					return
				}
				index++
			}
		}
	}
}
