package publish

import (
	"fmt"
	"time"

	"ems-sidecar/uploader/health"
)

// laneClosed notes that the lane l was closed by the failure r.
func (s *Schedule) laneClosed(r Result, l *lane) {
	c, attrs := bucketSilent, []any{"key", r.file.key(), "err", r.Err, "attempt", r.file.stream.standing.failures,
		"bucket", l.dest.Bucket, "next", "one request at a time probes whether it is back"}
	if l.state != silent {
		c = bucketRefused
		attrs = append(attrs[:len(attrs)-1], "one request at a time probes whether that is mended",
			"retry_in", RefusedProbe)
	}
	if l.why == "" {
		s.begin(c, l.name, attrs...)
	} else { // it was closed already, for another reason
		s.log.Error(c.Message, attrs...)
	}
	l.why = fmt.Sprint(r.Err)
}

// laneReopened notes that the bucket accepts requests again.
func (s *Schedule) laneReopened(l *lane, now time.Time) {
	l.why = ""
	s.end(bucketSilent, l.name, "bucket", l.dest.Bucket)
	l.outage = outage{over: now, lasted: now.Sub(l.since), streams: s.suffering(l.dest)}
}

// isCauseOf reports whether the trouble of st is its bucket's: that serves no one, or is about to be
// found to.
func (l *lane) isCauseOf(st *stream) bool {
	return l.closedTo(st) || l.manyFailed && st.standing.failures > 0
}

// suffering returns how many streams of dest suffer, and not from their encoder.
func (s *Schedule) suffering(dest *Destination) (n int) {
	for _, st := range s.ring {
		if st.src.dest == dest && (st.vitals.state == health.Failing || st.vitals.state == health.Lagging) {
			n++
		}
	}
	return n
}

// noteCurrent notes that the streams which suffered from an outage are well again.
func (s *Schedule) noteCurrent(l *lane, now time.Time) {
	o := &l.outage
	switch {
	case o.over.IsZero():
	case l.state != open || now.Sub(o.over) > catchUpTime || o.streams == 0:
		*o = outage{}
	case s.suffering(l.dest) == 0:
		s.note(bucketBack, "outage", o.lasted.Round(time.Millisecond), "streams", o.streams, "bucket", l.dest.Bucket)
		*o = outage{}
	}
}
