package uploader

import (
	"fmt"
	"time"
)

const (
	// DefaultManifestMemory bounds, in bytes, what large manifests take together, if nothing else is said.
	DefaultManifestMemory = 128 << 20
	// smallManifest is how much one takes that does not count: a rolling playlist takes some kilobytes.
	smallManifest = 1 << 20
	// What one reference takes, in bytes: as a file, as an element of a snapshot, and as a version in it.
	fileSize, elementSize, versionSize = 700, 8, 48

	// heldRetry is how long a manifest waits for which there is no room.
	heldRetry = time.Minute
)

// size is what a snapshot takes, without its files.
func (s *snapshot) size() int {
	return len(s.content) + len(s.refs)*elementSize + len(s.onDisk)*versionSize
}

// size is what m takes with one more snapshot of so many references, or with none.
func (m *manifest) size(more *snapshot, references int) int {
	all := append([]*snapshot{m.published, m.deleting, more}, m.waiting...)
	sum := 0
	for _, s := range all {
		if s != nil {
			sum += s.size()
			references = max(references, len(s.refs))
		}
	}
	return sum + references*fileSize
}

// tooMuch returns an error if there is no room for r, which was read of m. Each may have an equal part of what all may take, so
// that they take twice as much at the most.
func (s *schedule) tooMuch(m *manifest, r reading) error {
	size := m.size(r.snapshot, len(r.refs)) + len(r.refs)*elementSize + len(r.onDisk)*versionSize
	if size <= smallManifest {
		return nil
	}
	held, large := size, 1
	for _, st := range s.ring {
		for _, o := range st.manifests {
			if n := o.size(nil, 0); o != m && n > smallManifest {
				held += n
				large++
			}
		}
	}
	if held <= s.heldMost || size <= s.heldMost/large {
		return nil
	}
	return fmt.Errorf("all large ones would take %d bytes", held)
}

// refused reports whether r, which was read of m, is not taken in because there is no room for it. That may change when
// other manifests go.
func (s *schedule) refused(m *manifest, r reading, now time.Time) bool {
	if r.tooMuch == nil {
		m.refused = false
		return false
	}
	f := m.file
	s.reread(f, now.Add(heldRetry))
	s.figures.failures++
	if !m.refused {
		m.refused = true
		s.log.Error("manifest is not published: large manifests take too much memory", "stream", f.stream.name, "key", f.key(),
			"count", len(r.refs), "err", r.tooMuch, "limit", s.heldMost, "next", "it is read again", "retry_in", heldRetry,
			"hint", "a third of GOMEMLIMIT is for them; raise it, and MemoryMax= in the unit")
	}
	return true
}
