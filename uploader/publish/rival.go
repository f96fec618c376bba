package publish

import "time"

// foreign reports whether another host, or another root of this one, has written i.
func (s *Schedule) foreign(m *manifest, i *ObjectInfo) bool {
	return i.Host != "" && (i.Host != s.host || i.Root != m.file.src.RootName())
}

// metRival takes in that the bucket has another writer's version of m. Nothing is PUT for that reason: two that did
// would never end. If ours had been there before, both are at it, and one of them has to give way; so that it is just
// one, that is the one whose host and root come later in the alphabet.
func (s *Schedule) metRival(m *manifest, found *ObjectInfo, now time.Time) {
	f := m.file
	known, said := m.rival, m.rivalSaid
	m.rival, m.rivalAt = *found, now
	if m.published == nil {
		return // a stream that has moved here
	}
	m.rivalSaid = true
	if !said {
		s.figures.conflicts++
		s.log.Error("another writer publishes the same stream: viewers get now one and now the other", "stream", f.stream.name,
			"key", f.key(), "host", found.Host, "root", found.Root, "stored", found.Stored,
			"hint", "give each host or root a prefix of its own, or its streams other names")
	}
	later := s.host > found.Host || s.host == found.Host && f.src.RootName() > found.Root
	if later && (!found.Stored.Equal(known.Stored) || found.Sum != known.Sum) {
		if m.yieldUntil.IsZero() {
			s.log.Warn("manifest is left to the other writer", "stream", f.stream.name, "key", f.key(),
				"host", found.Host, "root", found.Root, "next", "it is published again when the other one stops", "after", yieldTime)
		}
		m.yieldUntil = now.Add(yieldTime)
	}
	if now.Before(m.yieldUntil) {
		m.checkAt = now.Add(yieldCheck)
	}
}
