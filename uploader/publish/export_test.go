package publish

import (
	"fmt"
	"time"
)

// What the model has to see of a schedule, beyond what the uploader sees, is in this file.

const (
	DoubtTime      = doubtTime
	ManifestMemory = manifestMemory
	MaxWaiting     = maxWaiting
	AbsentPatience = absentPatience
	OwnPatience    = ownPatience
)

// An Observed is what the schedule believes of a file.
type Observed struct {
	Known     bool
	Confirmed bool // by the bucket
	Lost      bool
	Named     bool // by a manifest that waits or is published
	Shown     bool // by one that is published
}

// Observe returns what the schedule believes of the file p.
func (src *Source) Observe(p string) Observed {
	f := src.files[p]
	if f == nil {
		return Observed{}
	}
	return Observed{Known: true, Confirmed: f.bucket.isConfirmed(), Lost: f.bucket.isLost(), Named: f.naming.now > 0,
		Shown: f.naming.shown > 0}
}

// Sending returns how many files count as being sent.
func (s *Schedule) Sending() int { return len(s.pools.sending) }

// WakeForDeletion returns when it is looked next whether objects are to be deleted.
func (s *Schedule) WakeForDeletion() time.Time { return s.wakeForDeletion() }

// Missed returns a sentence if what was decided about a stream is not what would be decided now:
// then a change was missed.
func (s *Schedule) Missed(now time.Time) string {
	if !s.hasRoom() {
		return ""
	}
	for _, st := range s.ring {
		c, at := s.decide(st, now)
		// That it has nothing to do any more is noticed when its turn comes.
		t := st.turn
		if t.state == hasCheck && (c.file == nil || c.isCheck && t.at.Equal(at)) {
			continue
		}
		if !t.state.isReady() && (t.state != rests || c.file != nil || !t.at.Equal(at)) {
			return fmt.Sprintf("the stream %s is not considered again: its state is %d until %v, and is to do %+v, or wait until %v",
				st.name, t.state, t.at, c, at)
		}
	}
	return ""
}

// Knows reports whether anything is remembered of the file p.
func (src *Source) Knows(p string) bool { return src.files[p] != nil }

// State returns what is known of the file p, in words, or "" if nothing is.
func (src *Source) State(p string, now time.Time) string {
	f := src.files[p]
	switch {
	case f == nil:
		return ""
	case f.manifest == nil:
		return f.String()
	case len(f.manifest.waiting) > 0:
		return fmt.Sprintf("%s/%s, %d waiting", f.disk.state, f.manifest.state(now), len(f.manifest.waiting))
	}
	return f.disk.state.String() + "/" + f.manifest.state(now)
}
