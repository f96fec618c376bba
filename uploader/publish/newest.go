package publish

import (
	"slices"
	"time"
)

// R4: the newest publishable snapshot wins. Older ones are dropped when it is started. A stream
// whose uploads lag must still move: so one snapshot is pursued until it is published, and then the
// newest. Whose chunks go first: firstWanted in stream.go.
//
// A live playlist is published run by run: runs.go.

// publishable returns the newest snapshot that may be PUT now (R4), of the run whose turn it is. If
// there is none, at is when there may be one, or zero.
func (m *manifest) publishable(now time.Time) (s *snapshot, at time.Time) {
	if len(m.waiting) == 0 {
		return nil, at
	}
	for _, t := range []time.Time{m.notBefore, m.rival.yieldUntil} {
		if now.Before(t) {
			return nil, t
		}
	}
	run := m.runInTurn(now)
	for i := len(m.waiting) - 1; i >= 0; i-- {
		if m.waiting[i].origin.run > run {
			continue
		}
		may, soonest := m.mayPut(i, now)
		if may {
			return m.waiting[i], time.Time{}
		}
		at = earlier(at, soonest)
	}
	return nil, at
}

// mayPut reports whether the i-th waiting snapshot may be PUT now. If not, at is when it may be, or
// zero.
func (m *manifest) mayPut(i int, now time.Time) (may bool, at time.Time) {
	s := m.waiting[i]
	ready, at := s.ready(m.file.src, now)
	return ready && !s.held && !m.hopeless(i) && (i == len(m.waiting)-1 || !s.stale()), at
}

// add adds s. Beyond the bounds it drops others, the newer first, and those with which a run ends
// last; never the newest (R5), the one that is pursued, or the one in flight.
func (m *manifest) add(s *snapshot) {
	for i, f := range s.refs {
		f.naming.now++
		f.naming.named()
		f.naming.role = s.roleOf(i)
	}
	m.waiting = append(m.waiting, s)
	if m.pursued == nil {
		m.pursued = s
	}
	size := 0
	for _, w := range m.waiting {
		size += w.size()
	}
	for _, spareEnds := range []bool{true, false} {
		for i := len(m.waiting) - 2; i >= 0 && (len(m.waiting) > maxWaiting || size > maxWaitingBytes); i-- {
			w := m.waiting[i]
			if w != m.errand.sent() && w != m.pursued && !(spareEnds && m.endsRun(i)) {
				size -= w.size()
				w.release()
				m.waiting = slices.Delete(m.waiting, i, i+1)
			}
		}
	}
}

// roleOf returns what the i-th reference of s is to it.
func (s *snapshot) roleOf(i int) role {
	switch {
	case i < s.optional:
		return asOptional
	case i < s.others:
		return asOther
	}
	return asSegment
}

// drop takes the oldest waiting snapshot away. If that was the one pursued, the newest of its run is
// from now on, and then that of the next run: a stream that went from one to the next would, on a line
// too slow for it, fall back further and further, and one that always turned to the newest would
// complete none.
func (m *manifest) drop() {
	oldest := m.waiting[0]
	m.waiting = m.waiting[1:]
	oldest.release()
	if oldest == m.pursued {
		m.pursued = m.endOfFirstRun()
	}
}

func (m *manifest) newestWaiting() *snapshot {
	if n := len(m.waiting); n > 0 {
		return m.waiting[n-1]
	}
	return nil
}

func (m *manifest) newest() *snapshot {
	if s := m.newestWaiting(); s != nil {
		return s
	}
	return m.published
}
