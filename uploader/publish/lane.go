package publish

import (
	"ems-sidecar/internal/backoff"
	"time"
)

const (
	// RefusedProbe is the time between two questions to a bucket that refuses (403, no such
	// bucket). A person has to repair that: asking more often does not help.
	RefusedProbe = 30 * time.Second
	backoffBase  = 250 * time.Millisecond
	backoffCap   = 10 * time.Second
	// While a whole bucket does not answer, one request every so often tells when it is back: so
	// often that no outage gets longer by more than a part of what it lasted, within these bounds.
	probeShare   = 120
	probeSoonest = 500 * time.Millisecond
	probeLatest  = 5 * time.Second

	// A lane is closed after so many failures in a row, of more than one stream, with no success
	// for so long: fewer can be one stream's own trouble (R9).
	laneFailures = 5
	laneSilence  = 5 * time.Second
)

// A lane is the way into one bucket. It is closed while the bucket takes nothing from anybody; one
// request at a time then probes whether it is open again.
type lane struct {
	dest   *Destination
	jitter backoff.Jitter

	name  string // tells it apart from others in the same bucket
	state LaneState
	why   string    // it is closed
	since time.Time // when it was last closed after it was open
	probe probe

	failures    failures
	succeededAt time.Time
	outage      outage

	window    window // of live streams; recordings have a pool of their own
	latencies latencies
	throttled time.Time // when the bucket last wanted fewer requests
}

// A probe is the one request that tests whether a closed lane is open again.
type probe struct {
	at    time.Time // when the next may be sent
	isOut bool      // it has no answer yet
	of    *Source   // whose file it is
}

// Failures are those in a row, of all streams of a lane.
type failures struct {
	count     int
	first     *stream // whose the first was
	areShared bool    // they are of more than one stream
}

// An outage is what is remembered of the last time that a lane was closed, until the streams that
// suffered from it are well again.
type outage struct {
	over    time.Time // zero: there is none
	lasted  time.Duration
	streams int // that suffered from it when it was over
}

// catchUpTime is how long an outage is remembered.
const catchUpTime = 2 * time.Minute

// A LaneState says whether a lane is open, and if not, why.
type LaneState uint8

const (
	open           LaneState = iota
	silent                   // the bucket does not answer
	bucketRefuses            // whatever is asked, until rights or settings are changed
	streamsRefused           // each stream that has something to upload; one that was not refused yet may try
)

// LaneStates are the names of all states of lanes, as String returns them.
var LaneStates = []string{"open", "silent", "refused"}

// String has one name for both kinds of refusal: that of the bucket, and those of several streams.
func (s LaneState) String() string {
	return LaneStates[min(s, bucketRefuses)]
}

// LaneTo returns the state of the lane into d.
func (s *Schedule) LaneTo(d *Destination) LaneState { return s.lane(d).state }

// WindowTo returns how many requests of live streams to d may be in flight at once.
func (s *Schedule) WindowTo(d *Destination) int {
	return min(s.lane(d).window.size, s.pools.workers[livePool])
}

// admits reports whether st may send a request now.
func (l *lane) admits(st *stream, now time.Time) bool {
	return !now.Before(l.opensFor(st)) && !(l.closedTo(st) && l.probe.isOut)
}

// opensFor returns when st may send a request, if no other one is probing then.
func (l *lane) opensFor(st *stream) time.Time {
	if l.closedTo(st) {
		return l.probe.at
	}
	return st.standing.retryAt
}

// closedTo reports whether a request of st is a probe.
func (l *lane) closedTo(st *stream) bool {
	return l.state != open && (l.state != streamsRefused || st.standing.refused)
}

// success records an answer of the bucket to st, and reports whether others may try again at once,
// since what failed was not theirs alone.
func (l *lane) success(st *stream, now time.Time) (better bool) {
	better = l.closedTo(st) || l.failures.areShared
	l.state, l.probe.isOut = open, false
	l.failures = failures{}
	l.succeededAt = now
	return better
}

// failure records that a request of st failed and reports whether that closed the lane. For a
// refusal, whole says that it concerns the whole bucket, and all that it met all streams alike.
func (l *lane) failure(st *stream, refused, whole, all bool, now time.Time) (closed bool) {
	l.failures.add(st)
	was := l.state
	switch {
	case refused && whole:
		l.state = bucketRefuses
	case refused && all:
		l.state = streamsRefused
	case !refused && l.isSilent(now):
		l.state = silent
	}
	if was == open && l.state != open {
		l.since = now
	}
	switch l.state {
	case bucketRefuses, streamsRefused:
		l.probe.at = now.Add(RefusedProbe)
	case silent:
		most := min(max(probeSoonest, now.Sub(l.since)/probeShare), probeLatest)
		l.probe.at = now.Add(l.jitter.After(l.failures.count, backoffBase, most))
	}
	l.probe.isOut = false
	return l.state != open && l.state != was
}

// add adds one of st.
func (f *failures) add(st *stream) {
	f.count++
	if f.first == nil {
		f.first = st
	}
	f.areShared = f.areShared || f.first != st
}

// isSilent reports whether requests of several streams had no answer for a while.
func (l *lane) isSilent(now time.Time) bool {
	return l.failures.areShared && l.failures.count >= laneFailures && now.Sub(l.succeededAt) >= laneSilence
}
