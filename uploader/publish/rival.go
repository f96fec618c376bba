package publish

import "time"

const (
	// While a manifest is left to another writer, the bucket is asked every yieldCheck whether that
	// one goes on. If not for yieldTime, ours is published again.
	yieldCheck = 10 * time.Second
	yieldTime  = 30 * time.Second
	// rivalMemory is how long another writer counts as one after its last version was seen.
	rivalMemory = 10 * time.Minute
)

// A rival is another writer of a manifest.
type rival struct {
	version    ObjectInfo // as seen last; its Stored is zero if there is none
	seenAt     time.Time
	yieldUntil time.Time
	holds      bool // the bucket had its version when it was asked last, and nothing was PUT since
	logged     bool // that both publish the manifest
}

// isMet reports whether there is another writer.
func (r *rival) isMet() bool { return !r.version.Stored.IsZero() }

// state is alone, met, or yielding.
func (r *rival) state(now time.Time) string {
	switch {
	case now.Before(r.yieldUntil):
		return "yielding"
	case r.isMet():
		return "met"
	}
	return "alone"
}

// forget applies that the bucket has our version. A rival that was not seen for long is none.
func (r *rival) forget(now time.Time) {
	if now.Sub(r.seenAt) > rivalMemory {
		r.version, r.logged = ObjectInfo{}, false
	}
}

// mustAskSince reports whether the bucket has not told since the time what it has of m, and has it asked:
// of a stream that stopped here, another writer may have published more.
func (m *manifest) mustAskSince(t, now time.Time) bool {
	if !m.copy.toldAt.Before(t) {
		return false
	}
	m.copy.checkAt = now
	return true
}

// foreign reports whether another host, or another root of this one, has written i.
func (s *Schedule) foreign(m *manifest, i *ObjectInfo) bool {
	return i.Host != "" && (i.Host != s.settings.Host || i.Root != m.file.src.RootName())
}

// metRival applies that the bucket has another writer's version of m. Nothing is PUT for that
// reason: two writers that did would never end. If ours had been there before, both publish it, and
// one of them has to give way: the one whose host and root come later in the alphabet.
func (s *Schedule) metRival(m *manifest, found *ObjectInfo, now time.Time) {
	f := m.file
	r := &m.rival
	known, logged := r.version, r.logged
	m.line.foreign = m.line.foreign || found.Sum != known.Sum && m.published != nil && m.published.mayGoOn()
	r.version, r.seenAt, r.holds = *found, now, true
	if m.published == nil {
		return // a stream that has moved here
	}
	r.logged = true
	if !logged {
		s.figures.conflicts++
		s.reportOf(f.key(), anotherWriter, f.stream, "key", f.key(), "host", found.Host,
			"root", found.Root, "stored", found.Stored,
			"hint", "give each host or root a prefix of its own, or its streams other names")
	}
	later := s.settings.Host > found.Host || s.settings.Host == found.Host && f.src.RootName() > found.Root
	if later && (!found.Stored.Equal(known.Stored) || found.Sum != known.Sum) {
		if r.yieldUntil.IsZero() {
			s.log.Warn("manifest is left to the other writer", "stream", f.stream.shown(), "key", f.key(),
				"host", found.Host, "root", found.Root, "next", "it is published again when the other one stops",
				"after", yieldTime)
		}
		r.yieldUntil = now.Add(yieldTime)
	}
	if now.Before(r.yieldUntil) {
		m.copy.checkAt = now.Add(yieldCheck)
	}
}
