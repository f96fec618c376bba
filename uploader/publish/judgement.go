package publish

import (
	"time"

	"ems-sidecar/uploader/health"
)

// A judgement is how a stream was found to fare last.
type judgement struct {
	state  health.State
	since  time.Time // when it entered that state
	why    string
	shared bool      // it fails, and that is its bucket's trouble
	outage bool      // it failed so when its bucket accepted requests again
	better time.Time // since when it fares better than that state says; zero: it does not
}

// A Change is a stream's way from one state to another. From Failing to Failing, what was its bucket's
// trouble is its own now.
type Change struct {
	At       time.Time
	Source   *Source
	Stream   string // what it is called: see NameOf
	From, To health.State
	Why      string
	Lasted   time.Duration // how long it was in From; zero at its beginning
	Shared   bool          // it is its bucket's trouble, which is logged as such
	Gone     bool          // it is forgotten: To is no state
}

// Judge judges the health of all streams. It is called once a second.
func (s *Schedule) Judge(now time.Time) {
	for _, st := range s.ring {
		s.judge(st, now)
		s.guardStale(st, now)
		s.noteGrowing(st, now)
	}
	for _, l := range s.lanes {
		s.noteCurrent(l, now)
	}
	for _, st := range s.ring { // behind which new ones may come
		if at := st.sharing.lookAt; !at.IsZero() && !now.Before(at) {
			s.arrange(st, now)
		}
	}
}

// judge judges the health of st.
func (s *Schedule) judge(st *stream, now time.Time) {
	if !st.isWatched() {
		return
	}
	v := &st.vitals
	f, shared := s.facts(st, now)
	state, why := f.Judge(now)
	if v.isRecovering(state, f.Target, now) {
		return
	}
	v.why = why
	if v.state == health.Failing && state == health.Lagging { // it catches up
		return
	}
	shared = shared && state == health.Failing
	own := v.shared && !shared // what fails now is its own
	v.shared = shared
	if state == v.state && !own {
		return
	}
	s.effects.Changes = append(s.effects.Changes, Change{At: now, Source: st.src, Stream: st.shown(), From: v.state,
		To: state, Why: why, Lasted: now.Sub(v.since), Shared: shared})
	if state != v.state {
		v.state, v.since = state, now
	}
}

// isRecovering reports whether a stream that suffered is well, but not for long enough yet: one whose chunks
// are late each time would come and go.
func (v *vitals) isRecovering(state health.State, target time.Duration, now time.Time) bool {
	if !v.state.Suffers() || state.Suffers() || state == health.Ended {
		v.better = time.Time{}
		return false
	}
	if v.better.IsZero() {
		v.better = now
	}
	if now.Sub(v.better) <= health.Late*max(target, time.Second) {
		return true
	}
	v.better = time.Time{}
	return false
}
