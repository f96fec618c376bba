package publish

import (
	"strings"
	"time"

	"ems-sidecar/media"
)

const (
	// StartPatience is how long an F4M waits for the first bootstrap of its run: with an encoder
	// that went away at once, there is none.
	StartPatience = 30 * time.Second
	// SiblingPatience is how long an F4M waits for anything of the other streams of its group. For
	// longer, one that is stuck would hold up the others (R9).
	SiblingPatience = 10 * time.Second
)

// A manifest is published one snapshot at a time.
type manifest struct {
	file        *file
	readFirst   time.Time
	names       *media.Names // what its URIs mean, as of the last reading; nil: it was not asked yet
	waiting     []*snapshot  // oldest first
	pursued     *snapshot    // also in waiting: its chunks are uploaded first
	published   *snapshot    // what the bucket has, as far as is known
	publishedAt time.Time
	notBefore   time.Time // when the next PUT may begin: after ManifestInterval, or a refusal
	errand      errand
	copy        bucketCopy
	presence    presence
	line        line // of a playlist
	rival       rival
	told        told
}

// A told is what was logged about a manifest, so that it is logged once.
type told struct {
	outside    string // a URI that leads out of the root
	unresolved string // a URI that does not tell which file it means
	unordered  string // the pattern of segments of which it is not known which exist
	refused    bool   // there is no room for it
	promises   bool   // it names chunks that EMS did not write
	growing    bool   // it lists byte ranges of a file that is still written
	fixed      string // why its playlist cannot be rewritten
	absent     bool   // a master playlist was published without it
}

// decide returns what is to be done about m now: the PUT of a snapshot, or a question to the
// bucket. If nothing is, at is when something may be, or zero.
func (m *manifest) decide(now time.Time, onlyManifests bool) (c choice, at time.Time) {
	if m.isBusy() {
		return choice{}, at
	}
	s, at := m.due(now, onlyManifests)
	switch {
	case s != nil:
		return m.decideWith(s, now, at, onlyManifests)
	case onlyManifests:
		return choice{}, at
	}
	return m.decideWithout(now, at)
}

// due returns the snapshot that is the next to be sent, with its edition as of now. If there is none,
// at is when there may be, or zero.
func (m *manifest) due(now time.Time, onlyManifests bool) (s *snapshot, at time.Time) {
	s, at = m.publishable(now)
	if s == nil && (!onlyManifests || m.endsAtStop()) {
		s, at = m.dueEnd(now, at)
	}
	if s == nil && m.completes() {
		s, at = m.publishable(now)
	}
	if s != nil {
		m.compose(s, now) // the bucket's copy is compared with what would be sent
	}
	return s, at
}

// decideWith returns what is to be done about m, of which s is due: the bucket is asked first.
func (m *manifest) decideWith(s *snapshot, now, at time.Time, onlyManifests bool) (choice, time.Time) {
	if m.copy.question != answered || m.line.foreign {
		return choice{file: m.file, task: Verify}, at
	}
	if m.isForgone(s, now) || s.repeatsReturned() {
		m.forgo(s)
		m.settleWithout(s)
		return m.decide(now, onlyManifests)
	}
	if until, awaits := m.awaitsVariants(s, now); awaits {
		return choice{}, earlier(at, until)
	}
	return choice{file: m.file, snapshot: s}, at
}

// decideWithout returns what is to be done about m, of which nothing is to be sent.
func (m *manifest) decideWithout(now, at time.Time) (choice, time.Time) {
	switch due := !m.copy.checkAt.IsZero() && !now.Before(m.copy.checkAt); {
	case m.line.withdrawn && !now.Before(m.notBefore):
		return choice{file: m.file, task: Withdraw}, at
	case due:
		return choice{file: m.file, task: Verify, isCheck: true}, at
	}
	return choice{}, earlier(at, m.copy.checkAt)
}

// isBusy reports whether a request about m is in flight.
func (m *manifest) isBusy() bool { return m.errand.state != noErrand }

// state returns what is known of the bucket's copy, what is in flight, and of other writers, for
// the log.
func (m *manifest) state(now time.Time) string {
	states := []string{m.copy.question.String(), m.copy.trust.String(), m.errand.state.String(), m.rival.state(now)}
	return strings.Join(states, "/")
}
