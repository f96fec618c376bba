package publish

import (
	"crypto/sha256"
	"iter"
	"slices"
	"time"

	"ems-sidecar/media"
)

// R2: references first. A manifest is PUT only when the bucket has every file that it names, with
// the content that it means, or when a file can never arrive (lost.go). Which version is meant:
// verify in manifestread.go.

// A snapshot is what one manifest held at one closing.
type snapshot struct {
	manifest *manifest
	sum      [sha256.Size]byte // of the content as it was read
	parsed   media.Manifest    // without its references
	own      edition           // the server's own bytes
	edition  edition           // what viewers get of it
	basis    basis             // of edition
	refs     []*file
	onDisk   []media.Version // of refs, as it was when the manifest was read; nil where names never come back
	others   int             // of refs, at its beginning: those that are no segments
	optional int             // of refs, at its beginning: those without which players go on
	outside  string          // the first URI that leads out of the root
	held     bool            // not to be published before it was read again
	origin   origin
	span     span // zero: it was not asked for
	unserved unserved
}

// Unserved are those references of a snapshot that may not serve yet, in order.
type unserved struct {
	files      []*file
	generation uint64 // family.generation when files was made
}

// An origin is where a snapshot comes from.
type origin struct {
	modTime  time.Time // of the file
	readAt   time.Time
	scanned  bool      // it was there at the start, and may be old
	run      int       // of the stream
	first    uint64    // the number that the first snapshot of the run began with
	before   time.Time // when the last of the run before was written; zero: there is none
	isNewRun bool      // the stream was started again with it
}

// ready reports whether every reference serves (R2). If not, at is when that may change by itself,
// or zero.
func (s *snapshot) ready(src *Source, now time.Time) (ready bool, at time.Time) {
	u := &s.unserved
	if u.generation != src.family.generation {
		u.files, u.generation = s.refs, src.family.generation
	}
	for len(u.files) > 0 && u.files[0].serves(s, now) {
		u.files = u.files[1:]
	}
	if len(u.files) == 0 {
		return true, at
	}
	first := u.files[0]
	if from := s.goesWithout(first); from.After(now) {
		at = from
	}
	if first.bucket.isConfirmed() {
		read := s.origin.readAt
		for _, t := range []time.Time{first.bucket.freshAt, read.Add(ownPatience), read.Add(SiblingPatience),
			read.Add(StartPatience)} {
			if t.After(now) {
				at = earlier(at, t)
			}
		}
	}
	return false, at
}

// lookAgain has ready look at every reference.
func (s *snapshot) lookAgain() { s.unserved.generation = s.manifest.file.src.family.generation - 1 }

// misses reports whether a file that it names can never arrive, and it does not end before that.
func (s *snapshot) misses() bool {
	refs := s.refs
	if s.parsed.Ended && s.endsInHole() {
		refs = refs[:s.beforeHole()]
	}
	return slices.ContainsFunc(refs, func(f *file) bool { return f.bucket.isLost() })
}

// shares reports whether s and t name a segment in common. An init segment or a key may have the
// same name in each run of a stream.
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

// named yields the files that s names: its references, and those that only its edition names.
func (s *snapshot) named() iter.Seq[*file] {
	return func(yield func(*file) bool) {
		for _, f := range s.refs {
			if !yield(f) {
				return
			}
		}
		for _, f := range s.edition.tail {
			if !yield(f) {
				return
			}
		}
	}
}

// snapshots yields what is known of m: the snapshots that wait, and the published one.
func (m *manifest) snapshots() iter.Seq[*snapshot] {
	return func(yield func(*snapshot) bool) {
		for _, w := range m.waiting {
			if !yield(w) {
				return
			}
		}
		if m.published != nil {
			yield(m.published)
		}
	}
}

// names reports whether s names f.
func (s *snapshot) names(f *file) bool {
	return slices.Contains(s.refs, f) || slices.Contains(s.edition.tail, f)
}

// release takes s out of the count of those that name its references.
func (s *snapshot) release() {
	for f := range s.named() {
		f.naming.now--
		f.src.forgetIfUnused(f)
	}
}

// retire is release for the snapshot that was published.
func (s *snapshot) retire() {
	for f := range s.named() {
		f.naming.shown--
	}
	s.release()
}

// serves reports whether snapshot s need not wait for f.
func (f *file) serves(s *snapshot, now time.Time) bool {
	switch {
	case f.bucket.isLost():
		return true
	case !f.bucket.isConfirmed():
		from := s.goesWithout(f)
		return !from.IsZero() && !now.Before(from)
	case f.manifest != nil:
		return !f.manifest.owes(s, now)
	}
	return !now.Before(f.bucket.freshAt) && !s.awaits(f, now)
}

// ownPatience is for how long a playlist waits for a segment that it names before the writer has put it
// under its name.
const ownPatience = time.Second

// awaits reports whether f, a segment that s names, is still what the run before had under that name.
// GStreamer puts a segment in its place some milliseconds after the playlist.
func (s *snapshot) awaits(f *file, now time.Time) bool {
	v := f.disk.version
	return s.isPlaylist() && !s.origin.before.IsZero() && v != (media.Version{}) && f.naming.role == asSegment &&
		f.returns() && !v.ModTime.After(s.origin.before) && now.Before(s.origin.readAt.Add(ownPatience))
}

// owes reports whether s, which names m, has to wait although m was published. Where a writer's
// bootstraps are late, they are published before the F4M that names them: at the end of a stream,
// so that a player which stops asking has seen all, and when the stream starts again, so that a new
// F4M does not lead to fragments of the run before.
func (m *manifest) owes(s *snapshot, now time.Time) bool {
	src := m.file.src
	if !s.traits().BootstrapsLate {
		return false
	}
	same, waited := s.manifest.file.stream == m.file.stream, now.Sub(s.origin.readAt)
	if !same && waited >= SiblingPatience {
		return false
	}
	if len(m.waiting) > 0 && !m.waiting[0].origin.readAt.After(s.origin.readAt) {
		return true
	}
	return src.layout.IsBootstrap(m.file.path) && m.published != nil &&
		m.published.origin.modTime.Before(s.origin.modTime) &&
		!m.published.parsed.Ended && !s.parsed.Ended && waited < StartPatience
}

// isBeingShown reports whether a manifest in flight names f, of which the bucket has other content:
// the new one could get there before that manifest of the run before (R2).
func (st *stream) isBeingShown(f *file) bool {
	if !f.bucket.other {
		return false
	}
	shows := func(m *manifest) bool { return m.errand.sent() != nil && m.errand.sent().names(f) }
	return slices.ContainsFunc(st.manifests, shows) || slices.ContainsFunc(st.links.namedBy, shows)
}
