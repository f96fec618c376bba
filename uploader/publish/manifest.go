package publish

import (
	"crypto/sha256"
	"slices"
	"time"

	"ems-sidecar/media"
)

// A snapshot is what one manifest held at one closing.
type snapshot struct {
	manifest *manifest
	content  []byte // nil once published
	sum      [sha256.Size]byte
	md5      string         // in hex
	parsed   media.Manifest // without its references
	refs     []*file
	onDisk   []media.Version // of refs, as it was when the manifest was read; nil where names never come back
	others   int             // of refs, at its beginning: those that are no segments
	outside  string          // the first URI that leads out of the root
	modTime  time.Time       // of the file
	readAt   time.Time
	held     bool // not to be published before it was read again
	anew     bool // the stream began anew with it

	open       []*file // those of refs that may not serve yet, in order
	generation uint64  // src.generation when open was made
}

// ready reports whether every reference serves (R2). If not, at is when that may change by itself, or zero.
func (s *snapshot) ready(src *Source, now time.Time) (ready bool, at time.Time) {
	if s.generation != src.generation {
		s.open, s.generation = s.refs, src.generation
	}
	for len(s.open) > 0 && s.open[0].serves(s, now) {
		s.open = s.open[1:]
	}
	if len(s.open) == 0 {
		return true, at
	}
	if first := s.open[0]; first.bucket.isConfirmed() {
		for _, t := range []time.Time{first.bucket.freshAt, s.readAt.Add(SiblingPatience), s.readAt.Add(StartPatience)} {
			if t.After(now) {
				at = earlier(at, t)
			}
		}
	}
	return false, at
}

// misses reports whether a file that it names can never arrive.
func (s *snapshot) misses() bool {
	return slices.ContainsFunc(s.refs, func(f *file) bool { return f.bucket.isLost() })
}

// stale reports whether a chunk that it names has got other content since: then another run of the stream
// uses its name, and s is not to be seen any more if there is a newer one.
func (s *snapshot) stale() bool {
	for i, f := range s.refs {
		if i < s.others && s.isOutlivedBy(f) {
			return true
		}
		// It changed into what s means, if that was written when s was.
		own := s.onDisk != nil && f.disk.version.Equal(s.onDisk[i]) && !f.disk.version.ModTime.After(s.modTime.Add(s.manifest.file.src.traits.NamesEarly))
		if f.bucket.changedAt.After(s.readAt) && !own {
			return true
		}
	}
	return false
}

// isOutlivedBy reports whether f, an init segment that s names, was written after s. EMS writes init segments before the first
// segment, so that one which is younger than a manifest with segments is another run's, also if the one before was never seen.
func (s *snapshot) isOutlivedBy(f *file) bool {
	return f.manifest == nil && s.parsed.Segments > 0 && f.src.traits.ReusesNames && f.disk.version.ModTime.After(s.modTime)
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

	// StartPatience is how long an F4M waits for the first bootstrap of its run: with an encoder that went away
	// at once, there is none.
	StartPatience = 30 * time.Second
	// SiblingPatience is how long an F4M waits for anything of the other streams of its group. For longer, one
	// that is stuck would hold up the others (R9).
	SiblingPatience = 10 * time.Second
)

// A manifest is published one snapshot at a time, never an older one after a newer (R3).
type manifest struct {
	file        *file
	waiting     []*snapshot // oldest first
	inFlight    *snapshot   // also in waiting, as its oldest
	pursued     *snapshot   // also in waiting: its chunks are uploaded first
	published   *snapshot   // what the bucket holds
	tried       bool        // a PUT of something newer than what was published was started, and had no answer or has none yet
	deleting    *snapshot   // what was published, while the object is being deleted
	publishedAt time.Time
	notBefore   time.Time // least time between two PUTs of a key
	outside     string    // the URI out of the root that was warned of
	refused     bool      // that there is no room for it was logged

	breaksPromises bool // it names chunks that EMS did not write, which is logged

	verification
}

func (m *manifest) newest() *snapshot {
	if s := m.newestWaiting(); s != nil {
		return s
	}
	return m.published
}

// wentBack reports whether s is older than what is known already. Where a stream that starts again
// has new names only, a sequence that falls with names in common is an old playlist. Elsewhere, names
// that come back are nothing strange.
func (m *manifest) wentBack(s *snapshot) bool {
	known := m.newest()
	return m.file.src.traits.NamesAfresh && known != nil && !s.parsed.Set && !known.parsed.Set &&
		s.parsed.Sequence < known.parsed.Sequence && s.shares(known)
}

// startsAnew reports whether s belongs to another run of the stream than what is known.
func (m *manifest) startsAnew(s *snapshot) bool {
	known := m.newest()
	if known == nil || s.parsed.Set || known.parsed.Segments == 0 {
		return false
	}
	if m.file.src.traits.NamesAfresh {
		return s.parsed.Sequence < known.parsed.Sequence && !s.shares(known)
	}
	return s.parsed.Segments == 0 || s.parsed.Sequence < known.parsed.Sequence || s.parsed.Last < known.parsed.Last
}

// owes reports whether s, which names m, has to wait although m was published. Where a writer's
// bootstraps are late, they are published before the F4M that names them: at the end of a stream, so
// that a player which stops asking has seen all, and when the stream starts again, so that a new F4M
// does not lead to fragments of the run before.
func (m *manifest) owes(s *snapshot, now time.Time) bool {
	src := m.file.src
	if !src.traits.BootstrapsLate {
		return false
	}
	same, waited := s.manifest.file.stream == m.file.stream, now.Sub(s.readAt)
	if !same && waited >= SiblingPatience {
		return false
	}
	if len(m.waiting) > 0 && !m.waiting[0].readAt.After(s.readAt) {
		return true
	}
	return src.layout.IsBootstrap(m.file.path) && m.published != nil && m.published.modTime.Before(s.modTime) &&
		!m.published.parsed.Ended && !s.parsed.Ended && waited < StartPatience
}

func (m *manifest) add(s *snapshot) {
	for _, f := range s.refs {
		f.naming.now++
		f.naming.state = wasNamed
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
		if w := m.waiting[i]; w != m.inFlight && w != m.pursued {
			size -= w.size()
			w.release()
			m.waiting = slices.Delete(m.waiting, i, i+1)
		}
	}
}

// release takes s out of the count of those that name its references.
func (s *snapshot) release() {
	for _, f := range s.refs {
		f.naming.now--
		f.src.forgetIfUnused(f)
	}
}

// retire is release for the snapshot that was published.
func (s *snapshot) retire() {
	for _, f := range s.refs {
		f.naming.shown--
	}
	s.release()
}

// decide returns what is to be done about m now: the PUT of a snapshot, or a question to the bucket. If
// nothing is, at is when something may be, or zero.
func (m *manifest) decide(now time.Time, onlyManifests bool) (c choice, at time.Time) {
	if m.isBusy() {
		return choice{}, at
	}
	s, at := m.publishable(now)
	switch due := !m.checkAt.IsZero() && !now.Before(m.checkAt); {
	case s != nil && m.asked && !m.askFirst:
		return choice{file: m.file, snapshot: s}, at
	case s != nil, due && !onlyManifests:
		return choice{file: m.file, task: Verify}, at
	case !onlyManifests:
		at = earlier(at, m.checkAt)
	}
	return choice{}, at
}

// isBusy reports whether a request about m is in flight.
func (m *manifest) isBusy() bool { return m.inFlight != nil || m.deleting != nil || m.checking }

// publishable returns the newest snapshot that may be PUT now (R4). If there is none, at is when there may
// be one, or zero.
func (m *manifest) publishable(now time.Time) (s *snapshot, at time.Time) {
	if len(m.waiting) == 0 {
		return nil, at
	}
	for _, t := range []time.Time{m.notBefore, m.yieldUntil} {
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

// hopeless reports whether the i-th waiting snapshot is better not seen than seen with holes: it names what can
// never arrive, and it was deleted itself, or the stream began anew after it, or that is its end.
func (m *manifest) hopeless(i int) bool {
	if m.isHeldBack(m.waiting[i]) {
		return true
	}
	overtaken := m.file.disk.isNameGone() || slices.ContainsFunc(m.waiting[i+1:], func(s *snapshot) bool { return s.anew })
	return overtaken && m.waiting[i].misses()
}

// start marks s as being PUT. What is older is dropped here and not at the end: an attempt that fails
// may have been applied all the same.
func (m *manifest) start(s *snapshot) {
	for m.waiting[0] != s {
		m.drop()
	}
	m.inFlight = s
	m.tried = m.tried || m.published == nil || m.published.sum != s.sum
}

// finish records that the bucket holds s, which is the oldest one waiting.
func (m *manifest) finish(s *snapshot) {
	if m.published != nil {
		m.published.retire()
	}
	m.published = s
	for _, f := range s.refs {
		f.naming.now++
		f.naming.shown++
	}
	m.drop()
	s.open = nil
	if !m.doubted() {
		s.content = nil
	}
	m.inFlight = nil
	m.uncertain, m.astray, m.tried = false, false, false
	m.file.bucket.published()
}

// drop takes the oldest waiting snapshot away. If that was the one pursued, the newest is from now on: a
// stream that went from one to the next would, on a line too slow for it, fall back further and further,
// and one that always turned to the newest would complete none.
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
