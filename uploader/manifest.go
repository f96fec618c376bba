package uploader

import (
	"crypto/sha256"
	"slices"
	"time"

	"ems-sidecar/media"
)

// A snapshot is what one manifest held at one closing.
type snapshot struct {
	content  []byte // nil once published
	sum      [sha256.Size]byte
	playlist media.Manifest // without its references
	refs     []*file
	others   int    // of refs, at its beginning: those that are no segments
	outside  string // the first URI that leads out of the root
	readAt   time.Time

	open       []*file // those of refs that may still be unsettled, in order
	generation uint64  // src.generation when open was made
}

// ready reports whether every reference is settled (R2).
func (s *snapshot) ready(src *Source) bool {
	if s.generation != src.generation {
		s.open, s.generation = s.refs, src.generation
	}
	for len(s.open) > 0 && s.open[0].settled() {
		s.open = s.open[1:]
	}
	return len(s.open) == 0
}

// shares reports whether s and t name a segment in common. An init segment or a key may have the same name
// in each run of a stream.
func (s *snapshot) shares(t *snapshot) bool {
	names := make(map[*file]struct{}, len(t.refs))
	for _, f := range t.refs[t.others:] {
		names[f] = struct{}{}
	}
	for _, f := range s.refs[s.others:] {
		if _, ok := names[f]; ok {
			return true
		}
	}
	return false
}

const (
	// Of the snapshots that wait, only the one that is pursued and the newest (R5) are needed; the
	// others let the manifest move in smaller steps. These bound what they cost (R8).
	maxWaiting      = 16
	maxWaitingBytes = 2 << 20
)

// A manifest is published one snapshot at a time, never an older one after a newer (R3).
type manifest struct {
	file        *file
	waiting     []*snapshot // oldest first
	inFlight    *snapshot   // also in waiting, as its oldest
	pursued     *snapshot   // also in waiting: its chunks are uploaded first
	published   *snapshot   // what the bucket holds
	publishedAt time.Time
	uncertain   bool      // a PUT without an answer: the bucket may hold something else
	notBefore   time.Time // least time between two PUTs of a key
	outside     string    // the URI out of the root that was warned of
}

func (m *manifest) newest() *snapshot {
	if n := len(m.waiting); n > 0 {
		return m.waiting[n-1]
	}
	return m.published
}

// wentBack reports whether s is older than what is known already. A media sequence that falls is a
// new start of the stream when the names are new, too; with names in common it is an old playlist.
func (m *manifest) wentBack(s *snapshot) bool {
	known := m.newest()
	return known != nil && !s.playlist.Set && !known.playlist.Set &&
		s.playlist.Sequence < known.playlist.Sequence && s.shares(known)
}

func (m *manifest) add(s *snapshot) {
	for _, f := range s.refs {
		f.named++
	}
	m.waiting = append(m.waiting, s)
	if m.pursued == nil {
		m.pursued = s
	}
	size := 0
	for _, w := range m.waiting {
		size += len(w.content)
	}
	for i := len(m.waiting) - 2; i >= 0 && (len(m.waiting) > maxWaiting || size > maxWaitingBytes); i-- {
		if w := m.waiting[i]; w != m.inFlight && w != m.pursued {
			size -= len(w.content)
			w.release()
			m.waiting = slices.Delete(m.waiting, i, i+1)
		}
	}
}

// release takes s out of the count of those that name its references.
func (s *snapshot) release() {
	for _, f := range s.refs {
		f.named--
		f.src.forgetIfUnused(f)
	}
}

// publishable returns the newest snapshot that may be PUT now (R4), or nil.
func (m *manifest) publishable(now time.Time) *snapshot {
	if m.inFlight != nil || len(m.waiting) == 0 || now.Before(m.notBefore) {
		return nil
	}
	for i := len(m.waiting) - 1; i >= 0; i-- {
		if m.waiting[i].ready(m.file.src) {
			return m.waiting[i]
		}
	}
	return nil
}

// start marks s as being PUT. What is older is dropped here and not at the end: an attempt that fails
// may have been applied all the same.
func (m *manifest) start(s *snapshot) {
	for m.waiting[0] != s {
		m.drop()
	}
	m.inFlight = s
}

// finish records that the bucket holds s, which is the oldest one waiting.
func (m *manifest) finish(s *snapshot) {
	if m.published != nil {
		m.published.release()
	}
	m.published = s
	for _, f := range s.refs {
		f.named++
	}
	m.drop()
	s.content, s.open = nil, nil
	m.inFlight = nil
	m.uncertain = false
	m.file.confirmed = true
}

// drop takes the oldest waiting snapshot away. If that was the one pursued, the newest is from now on: a
// stream that went from one to the next would, on a line too slow for it, fall back further and further,
// and one that always turned to the newest would complete none.
func (m *manifest) drop() {
	oldest := m.waiting[0]
	m.waiting = m.waiting[1:]
	oldest.release()
	if oldest == m.pursued {
		m.pursued = nil
		if n := len(m.waiting); n > 0 {
			m.pursued = m.waiting[n-1]
		}
	}
}
