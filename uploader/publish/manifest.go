package publish

import (
	"time"
)

const (

	// StartPatience is how long an F4M waits for the first bootstrap of its run: with an encoder that went away
	// at once, there is none.
	StartPatience = 30 * time.Second
	// SiblingPatience is how long an F4M waits for anything of the other streams of its group. For longer, one
	// that is stuck would hold up the others (R9).
	SiblingPatience = 10 * time.Second
)

// A manifest is published one snapshot at a time, never an older one after a newer (R3).
type manifest struct {
	file        *file
	waiting     []*snapshot // oldest first
	inFlight    *snapshot   // also in waiting, as its oldest
	pursued     *snapshot   // also in waiting: its chunks are uploaded first
	published   *snapshot   // what the bucket holds
	tried       bool        // a PUT of something newer than what was published was started, and had no answer or has none yet
	deleting    *snapshot   // what was published, while the object is being deleted
	publishedAt time.Time
	notBefore   time.Time // least time between two PUTs of a key
	outside     string    // the URI out of the root that was warned of
	refused     bool      // that there is no room for it was logged

	breaksPromises bool // it names chunks that EMS did not write, which is logged

	verification
}

// decide returns what is to be done about m now: the PUT of a snapshot, or a question to the bucket. If
// nothing is, at is when something may be, or zero.
func (m *manifest) decide(now time.Time, onlyManifests bool) (c choice, at time.Time) {
	if m.isBusy() {
		return choice{}, at
	}
	s, at := m.publishable(now)
	switch due := !m.checkAt.IsZero() && !now.Before(m.checkAt); {
	case s != nil && m.asked && !m.askFirst:
		return choice{file: m.file, snapshot: s}, at
	case s != nil, due && !onlyManifests:
		return choice{file: m.file, task: Verify}, at
	case !onlyManifests:
		at = earlier(at, m.checkAt)
	}
	return choice{}, at
}

// isBusy reports whether a request about m is in flight.
func (m *manifest) isBusy() bool { return m.inFlight != nil || m.deleting != nil || m.checking }
