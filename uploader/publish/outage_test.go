package publish

import (
	"testing"
	"time"
)

// Before a lane is closed, its streams have failed for some seconds. That several of them fail, and none
// succeeds, is the bucket's trouble already: a line for each would hide it.
func TestTroubleOfSeveralStreamsIsThatOfTheirBucket(t *testing.T) {
	now := time.Now()
	l := &lane{succeededAt: now, jitter: func(d time.Duration) time.Duration { return d }}
	a, b, well := &stream{}, &stream{}, &stream{}
	fails := func(st *stream) {
		st.standing.failures++
		l.failure(st, false, false, false, now)
	}
	fails(a)
	if l.isCauseOf(a) {
		t.Error("a single stream's failure is the bucket's")
	}
	fails(b)
	if !l.isCauseOf(a) || !l.isCauseOf(b) || l.isCauseOf(well) {
		t.Error("the failures of two streams are their own, or a third one's trouble")
	}
	l.success(well, now)
	if l.isCauseOf(a) {
		t.Error("the bucket answers others, and is the cause")
	}
}
