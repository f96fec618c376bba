package publish

import (
	"slices"
	"time"
)

// R4: the newest publishable snapshot wins. Older ones are dropped when it is started. A stream
// whose uploads lag must still move: so one snapshot is pursued until it is published, and then the
// newest. Whose chunks go first: firstWanted in stream.go.

// publishable returns the newest snapshot that may be PUT now (R4). If there is none, at is when
// there may be one, or zero.
func (m *manifest) publishable(now time.Time) (s *snapshot, at time.Time) {
	if len(m.waiting) == 0 {
		return nil, at
	}
	for _, t := range []time.Time{m.notBefore, m.rival.yieldUntil} {
		if now.Before(t) {
			return nil, t
		}
	}
	for i := len(m.waiting) - 1; i >= 0; i-- {
		s := m.waiting[i]
		ready, soonest := s.ready(m.file.src, now)
		if ready && !s.held && !m.hopeless(i) && (i == len(m.waiting)-1 || !s.stale()) {
			return s, time.Time{}
		}
		at = earlier(at, soonest)
	}
	return nil, at
}

// add adds s. Beyond the bounds it drops others, the newer first; never the newest (R5), the one
// that is pursued, or the one in flight.
func (m *manifest) add(s *snapshot) {
	for i, f := range s.refs {
		f.naming.now++
		f.naming.state, f.naming.asOther = wasNamed, i < s.others
	}
	m.waiting = append(m.waiting, s)
	if m.pursued == nil {
		m.pursued = s
	}
	size := 0
	for _, w := range m.waiting {
		size += w.size()
	}
	for i := len(m.waiting) - 2; i >= 0 && (len(m.waiting) > maxWaiting || size > maxWaitingBytes); i-- {
		if w := m.waiting[i]; w != m.errand.sent() && w != m.pursued {
			size -= w.size()
			w.release()
			m.waiting = slices.Delete(m.waiting, i, i+1)
		}
	}
}

// drop takes the oldest waiting snapshot away. If that was the one pursued, the newest is from now
// on: a stream that went from one to the next would, on a line too slow for it, fall back further
// and further, and one that always turned to the newest would complete none.
func (m *manifest) drop() {
	oldest := m.waiting[0]
	m.waiting = m.waiting[1:]
	oldest.release()
	if oldest == m.pursued {
		m.pursued = m.newestWaiting()
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
