package publish

import (
	"fmt"
	"time"

	"ems-sidecar/uploader/health"
)

// laneClosed notes that the lane l was closed by the failure r.
func (s *Schedule) laneClosed(r Result, l *lane) {
	c, attrs := bucketSilent, []any{"key", r.file.key(), "err", r.Err, "attempt", r.whose().standing.failures,
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
	l.outage = outage{over: now, lasted: now.Sub(l.since), streams: s.hitBy(l)}
}

// isCauseOf reports whether the trouble of st is its bucket's: that serves no one, or is about to be
// found to.
func (l *lane) isCauseOf(st *stream) bool {
	return l.closedTo(st) || l.failures.areShared && st.standing.failures > 0
}

// hitBy notes which streams failed because l was closed, and returns how many.
func (s *Schedule) hitBy(l *lane) (n int) {
	for _, st := range s.ring {
		if st.src.dest != l.dest {
			continue
		}
		if st.vitals.outage = st.vitals.shared; st.vitals.outage {
			n++
		}
	}
	return n
}

// afterOutage counts the streams of dest that the last outage hit: those that still suffer from it, and
// those that are well. One that fails for a reason of its own is neither.
func (s *Schedule) afterOutage(dest *Destination) (suffering, well int) {
	for _, st := range s.ring {
		v := &st.vitals
		switch {
		case st.src.dest != dest || !v.outage:
		case v.shared:
			suffering++
		case v.state != health.Failing && v.state != health.Lagging:
			well++
		}
	}
	return suffering, well
}

// noteCurrent notes that the streams which suffered from an outage are well again.
func (s *Schedule) noteCurrent(l *lane, now time.Time) {
	o := &l.outage
	switch {
	case o.over.IsZero():
	case l.state != open || now.Sub(o.over) > catchUpTime || o.streams == 0:
		*o = outage{}
	default:
		suffering, well := s.afterOutage(l.dest)
		if suffering > 0 {
			return
		}
		if well > 0 {
			s.note(bucketBack, "outage", o.lasted.Round(time.Millisecond), "streams", well, "bucket", l.dest.Bucket)
		}
		*o = outage{}
	}
}
