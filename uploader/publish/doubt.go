package publish

import "time"

const (
	// doubtTime is how long a request without an answer may still be applied, over a newer one.
	doubtTime = time.Minute
	// doubtCheck is when the bucket is asked first what it has, and then at twice the distance each
	// time.
	doubtCheck = time.Second
)

// A doubt is about requests that had no answer: PUTs and deletions, of chunks and of manifests.
// They may still be applied until doubtTime has passed.
type doubt struct {
	since  time.Time     // when the last of them ended; zero: none can have an effect any more
	waited time.Duration // before the last question
}

// begin applies that a request ended without an answer. It returns when to ask first.
func (d *doubt) begin(now time.Time) (askAt time.Time) {
	d.since, d.waited = now, 0
	return now.Add(doubtCheck)
}

// isOpen reports whether the bucket is still to be asked because of such requests.
func (d *doubt) isOpen() bool { return !d.since.IsZero() }

// mayApply reports whether such a request may still take effect.
func (d *doubt) mayApply(now time.Time) bool { return now.Sub(d.since) < doubtTime }

// asked applies that the bucket was asked. It returns when to ask again, or zero if that is over:
// after doubtTime. A bucket that does not tell is asked only then.
func (d *doubt) asked(untold bool, now time.Time) (askAt time.Time) {
	switch d.waited = max(doubtCheck, 2*d.waited); {
	case !d.mayApply(now):
		*d = doubt{}
		return time.Time{}
	case untold:
		return d.since.Add(doubtTime)
	}
	return now.Add(d.waited)
}
