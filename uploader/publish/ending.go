package publish

import (
	"crypto/sha256"
	"slices"

	"ems-sidecar/hls"
)

// R5: the end arrives. The last snapshot is always published: add (newest.go) never drops the
// newest, removed (absent.go) and isGone (sweep.go) forget none that waits, and mayBeDeleted
// (retention.go) waits for it. The exception is an end with holes.
//
// EMS's cleanupOnClose deletes the chunks of an HLS stream when that ends, and the newest at times
// before it was seen. A playlist whose newest segments can never arrive shows viewers nothing but a
// hole at its end: a live one is left out, since the next one tells whether the stream goes on; one
// that has ended ends before them, so that the end arrives (R5) and names nothing that is missing
// (R2).

// endsInHole reports whether the newest segment that s names can never arrive.
func (s *snapshot) endsInHole() bool {
	n := len(s.refs)
	return n > s.others && s.refs[n-1].bucket.isLost() && !s.parsed.Set && s.traits().DeletesNewest
}

// isHeldBack reports whether s is better not seen than the one that viewers have.
func (m *manifest) isHeldBack(s *snapshot) bool {
	switch {
	case !s.endsInHole():
		return false
	case s.parsed.Ended:
		return s.beforeHole() == s.others // nothing else is left
	}
	return m.published != nil || m.copy.hadOne
}

// beforeHole returns how many references s names before the segments at its end that can never
// arrive. One that viewers have been shown keeps its place, and is a gap.
func (s *snapshot) beforeHole() int {
	keep := len(s.refs)
	for keep > s.others && s.refs[keep-1].bucket.isLost() && !s.manifest.hasShown(s.refs[keep-1]) {
		keep--
	}
	return keep
}

// hasShown reports whether viewers have been shown f, by this process or by an earlier one.
func (m *manifest) hasShown(f *file) bool {
	if f.naming.shown > 0 || !m.line.isRecalled() {
		return f.naming.shown > 0
	}
	list := m.lastShown(m.line.shown)
	return list != nil && slices.ContainsFunc(list.Segments, func(s hls.Segment) bool { return m.lookUp(s.URI) == f })
}

// mayShow reports whether viewers may have f from a list that is not known to be published, as its PUT
// had no answer. What follows goes on from that list.
func (m *manifest) mayShow(f *file) bool {
	have, p := m.line.shown, m.published
	isPublished := have != nil && p != nil && have.run == p.origin.run && have.at.Equal(p.origin.modTime) &&
		have.ended == p.edition.ended
	if have == nil || have.gone || isPublished {
		return false
	}
	list := m.lastShown(have)
	return list != nil && slices.ContainsFunc(list.Segments, func(s hls.Segment) bool { return m.lookUp(s.URI) == f })
}

// endBeforeHole has s, which is to be sent, end before the segments that can never arrive if it
// has ended.
func (s *snapshot) endBeforeHole() {
	if !s.parsed.Ended || !s.endsInHole() {
		return
	}
	keep := s.beforeHole()
	gone := make(map[string]bool)
	for _, f := range s.refs[keep:] {
		gone[f.path] = true
	}
	p, layout := s.manifest.file.path, s.manifest.file.src.layout
	content, n := layout.Cut(s.own.content, func(uri string) bool { return gone[s.manifest.pathOf(uri)] })
	if content == nil || n == 0 {
		return // what follows is on another host: it is no hole at the end
	}
	m, err := layout.Parse(p, content)
	if err != nil {
		return
	}
	for _, f := range s.refs[keep:] {
		f.naming.now--
		f.src.forgetIfUnused(f)
	}
	s.refs = s.refs[:keep:keep]
	s.lookAgain()
	s.parsed = m.WithoutReferences()
	s.own = edition{content: content, sum: sha256.Sum256(content), md5: MD5(content), ended: m.Ended}
	s.setEdition(s.own)
	s.basis = basis{}
}

// hopeless reports whether the i-th waiting snapshot is better not seen than seen with holes: it
// names what can never arrive, and it was deleted itself, or the stream was restarted after it, or
// that is its end. One that viewers have is sent again with its holes: its end is due.
func (m *manifest) hopeless(i int) bool {
	w, p := m.waiting[i], m.published
	if m.isHeldBack(w) {
		return true
	}
	if p != nil && p.sum == w.sum && p.origin.run == w.origin.run {
		return false
	}
	overtaken := m.file.disk.isNameGone() || slices.ContainsFunc(m.waiting[i+1:],
		func(s *snapshot) bool { return s.origin.isNewRun })
	return overtaken && w.misses()
}
