package publish

import (
	"fmt"
	"time"
)

const (
	// What one reference takes, in bytes: as a file, as an element of a snapshot, and as a version
	// in it.
	fileSize, elementSize, versionSize = 700, 8, 48
	// What one segment of a rewritten playlist takes, beside its text.
	segmentSize = 200

	// heldRetry is how long a manifest waits for which there is no room.
	heldRetry = time.Minute
)

// size is what a snapshot takes, without its files.
func (s *snapshot) size() int {
	return len(s.own.content) + len(s.refs)*elementSize + len(s.onDisk)*versionSize + s.edition.size()
}

// size is what m takes, with one more snapshot of so many references.
func (m *manifest) size(references int) int {
	all := append([]*snapshot{m.published, m.errand.deleted()}, m.waiting...)
	sum := 0
	for _, s := range all {
		if s != nil {
			sum += s.size()
			references = max(references, len(s.refs))
		}
	}
	return sum + references*fileSize
}

// tooMuch returns an error if there is no room for r, which was read of m. Each may have an equal
// part of what all may take, so that they take twice as much at the most.
func (s *Schedule) tooMuch(m *manifest, r Reading) error {
	size := m.size(len(r.References)) + len(r.Content) + len(r.References)*elementSize + len(r.OnDisk)*versionSize
	if size <= smallManifest || m.grows(len(r.References)) {
		return nil
	}
	held, large := size, 1
	for _, st := range s.ring {
		for _, o := range st.manifests {
			if n := o.size(0); o != m && n > smallManifest && !o.rests() {
				held += n
				large++
			}
		}
	}
	if held <= s.settings.Manifests || size <= s.settings.Manifests/large {
		return nil
	}
	return fmt.Errorf("all large ones would take %d bytes", held)
}

// grows reports whether viewers have m, and its next version has little more. To refuse that would
// freeze their picture, and keep the end from them (R5).
func (m *manifest) grows(references int) bool {
	return m.published != nil && references <= len(m.published.refs)+growth
}

// rests reports whether m has ended and is published, so that it leaves the room to those that are
// live.
func (m *manifest) rests() bool {
	return m.published != nil && m.published.parsed.Ended && len(m.waiting) == 0
}

// refused reports whether r, which was read of m, is refused because there is no room for it. That
// may change when other manifests go.
func (s *Schedule) refused(m *manifest, r Reading, now time.Time) bool {
	if r.tooMuch == nil {
		m.told.refused = false
		return false
	}
	f := m.file
	f.stream.vitals.refuses(fmt.Sprintf("%s takes too much memory: %v", f.key(), r.tooMuch), now)
	s.reread(f, now.Add(heldRetry))
	s.figures.failures++
	if !m.told.refused {
		m.told.refused = true
		s.reportOf(f.key(), noRoom, f.stream, "key", f.key(), "count", len(r.References), "err", r.tooMuch,
			"limit", s.settings.Manifests, "next", "it is read again",
			"retry_in", heldRetry,
			"hint", "a third of GOMEMLIMIT is for them; raise it, and MemoryMax= in the unit")
	}
	return true
}
