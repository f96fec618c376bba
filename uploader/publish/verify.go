package publish

import (
	"crypto/md5"
	"encoding/hex"
	"time"
)

const (
	// A PUT without an answer may be applied later, over a newer one. For doubtTime the bucket is asked what it has,
	// first after doubtCheck and then at twice the distance each time.
	doubtTime  = time.Minute
	doubtCheck = time.Second

	// While a manifest is left to another writer, the bucket is asked every so often whether that one goes on; if not
	// for yieldTime, ours is published again.
	yieldCheck = 10 * time.Second
	yieldTime  = 30 * time.Second
	// rivalMemory is how long another writer counts as one after its last version was seen.
	rivalMemory = 10 * time.Minute
)

// A verification is what is known about the bucket's copy of a manifest beyond what was PUT.
type verification struct {
	asked     bool      // the bucket was asked since the start
	hadOne    bool      // and had some version of it then
	askFirst  bool      // it is asked before the next PUT
	checking  bool      // it is being asked
	checkAt   time.Time // when it is asked next; zero if it need not be
	uncertain bool      // the last PUT had no answer: the bucket may hold something else
	astray    bool      // the bucket was seen to have an old version; the newest is being read again
	doubtFrom time.Time // when a PUT without an answer ended last; zero if all that were sent can have no effect any more
	waited    time.Duration

	rival      ObjectInfo // another writer's version, as seen last; its Stored is zero if there is none
	rivalAt    time.Time  // when that was seen
	rivalSaid  bool       // that both are at it was logged
	yieldUntil time.Time

	presence
}

// doubt takes in that a PUT had no answer.
func (v *verification) doubt(now time.Time) {
	v.uncertain, v.doubtFrom, v.waited = true, now, 0
	v.checkAt = now.Add(doubtCheck)
}

// doubted reports whether a PUT without an answer may still be applied.
func (v *verification) doubted() bool { return !v.doubtFrom.IsZero() }

// heldBy reports whether i is s.
func (s *snapshot) heldBy(i *ObjectInfo) bool {
	switch {
	case i == nil || s == nil:
		return false
	case i.Sum != "":
		return i.Sum == s.hexSum()
	}
	return s.md5 != "" && i.ETag == s.md5 // the store keeps no metadata
}

func (s *snapshot) hexSum() string { return hex.EncodeToString(s.sum[:]) }

// MD5 returns the MD5 of content, in hex.
func MD5(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

// verified takes in what the bucket has under a manifest's key; nil is nothing, or what it does not tell.
func (s *Schedule) verified(m *manifest, found *ObjectInfo, untold bool, now time.Time) {
	first := !m.asked
	m.hadOne = m.hadOne || first && found != nil
	m.asked, m.askFirst, m.checking, m.checkAt = true, false, false, time.Time{}
	if first && now.Sub(s.began) < doubtTime {
		m.doubtFrom, m.waited = now, 0 // a PUT of the run before may still be applied
	}
	switch {
	case m.published.heldBy(found):
		m.uncertain, m.astray = false, false
		if now.Sub(m.rivalAt) > rivalMemory {
			m.rival, m.rivalSaid = ObjectInfo{}, false
		}
	case m.adopt(found, now):
	case found != nil && s.foreign(m, found):
		s.metRival(m, found, now)
	case first, untold, m.published == nil:
	case m.tried: // what the bucket has may be newer than what was published (R3); what was tried still waits
	case found == nil:
		s.restore(m)
	default:
		s.warnPerFile(m.file.stream, "bucket has not the newest version of a manifest: a request was applied after its answer was given up",
			"key", m.file.key(), "next", "the newest is published again")
		s.figures.failures++
		s.putAgain(m)
	}
	if m.doubted() {
		m.waited = max(doubtCheck, 2*m.waited)
		if m.checkAt = now.Add(m.waited); untold || m.checkAt.Sub(m.doubtFrom) > doubtTime+m.waited {
			m.checkAt, m.doubtFrom = time.Time{}, time.Time{}
			if m.published != nil {
				m.published.content = nil
			}
		}
	}
}

// adopt takes a snapshot that waits for published if the bucket has it: from an earlier run, or a PUT without an answer.
func (m *manifest) adopt(found *ObjectInfo, now time.Time) bool {
	for i := len(m.waiting) - 1; i >= 0; i-- {
		if w := m.waiting[i]; w.heldBy(found) {
			m.start(w)
			m.finish(w)
			m.publishedAt = now
			return true
		}
	}
	return false
}

// again has what was published last PUT once more, unless something newer goes first.
func (m *manifest) again() {
	s := *m.published
	s.open, s.generation = nil, m.file.src.generation-1
	for _, f := range s.refs {
		f.naming.now++
	}
	m.waiting = append([]*snapshot{&s}, m.waiting...)
	if m.pursued == nil {
		m.pursued = &s
	}
	m.uncertain = true
}

// checkInTurn has the bucket asked whether it still has what was published lately: before the next PUT, when another writer's
// version is there if there is one, or within a minute.
func (s *Schedule) checkInTurn(m *manifest, now time.Time) {
	if m.published == nil || now.Sub(m.publishedAt) >= manifestMemory {
		return
	}
	if m.askFirst && m.checkAt.IsZero() {
		m.checkAt = now.Add(s.jitter(time.Minute)) // nothing was PUT for a minute
		if m.allHad.Before(m.publishedAt) {
			m.checkAll(m.checkAt)
		}
	}
	m.askFirst = true
}
