package uploader

import (
	"math/rand/v2"
	"time"
)

const (
	// A refusal (403, no such bucket) is mended by a person: asking more often helps nobody.
	refusedProbe = 30 * time.Second
	backoffBase  = 250 * time.Millisecond
	backoffCap   = 10 * time.Second
	// While a whole bucket does not answer, one request every so often tells when it is back.
	probeCap = 5 * time.Second

	// A lane is closed after so many failures in a row, of more than one stream, with no success for so
	// long: fewer can be one stream's own trouble (R9).
	laneFailures = 5
	laneSilence  = 5 * time.Second
	// A refusal closes the lane unless another stream got through within this time.
	refusalMemory = time.Minute
)

// backoff returns how long to wait after the given number of failures in a row: exponential, with full
// jitter so that many streams do not come back at the same instant.
func backoff(failures int, most time.Duration) time.Duration {
	d := most
	if shift := failures - 1; shift < 16 {
		d = min(most, backoffBase<<shift)
	}
	return rand.N(d) + time.Millisecond
}

// A lane is the way into one bucket. It is closed while the bucket takes nothing from anybody; one
// request at a time then probes whether it is open again.
type lane struct {
	dest *Destination

	closed  bool
	refused bool // by an answer that only a change of rights or settings mends
	probeAt time.Time
	probing bool

	failures    int // in a row, of all streams
	failedFirst *stream
	manyFailed  bool // the failures in a row are of more than one stream
	succeededAt time.Time
	succeeded   *stream
}

// admits reports whether st may send a request now.
func (l *lane) admits(st *stream, now time.Time) bool {
	if l.closed {
		return !l.probing && !now.Before(l.probeAt)
	}
	return !now.Before(st.retryAt)
}

// success records an answer of the bucket to st, and reports whether that opened the lane.
func (l *lane) success(st *stream, now time.Time) (opened bool) {
	opened = l.closed
	l.closed, l.refused, l.probing = false, false, false
	l.failures, l.failedFirst, l.manyFailed = 0, nil, false
	l.succeededAt, l.succeeded = now, st
	return opened
}

// failure records that a request of st failed, and reports whether that closed the lane.
func (l *lane) failure(st *stream, refused, wholeBucket bool, now time.Time) (closed bool) {
	l.failures++
	if l.failedFirst == nil {
		l.failedFirst = st
	}
	l.manyFailed = l.manyFailed || l.failedFirst != st
	otherSucceeded := l.succeeded != nil && l.succeeded != st && now.Sub(l.succeededAt) < refusalMemory
	was := l.closed
	switch {
	case refused && (wholeBucket || !otherSucceeded):
		l.closed, l.refused = true, true
	case !refused && l.manyFailed && l.failures >= laneFailures && now.Sub(l.succeededAt) >= laneSilence:
		l.closed, l.refused = true, false
	}
	if l.closed {
		l.probing = false
		if l.refused {
			l.probeAt = now.Add(refusedProbe)
		} else {
			l.probeAt = now.Add(backoff(l.failures, probeCap))
		}
	}
	return l.closed && !was
}
