package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"time"

	"ems-sidecar/dash"
	"ems-sidecar/hls"
	"ems-sidecar/media"
)

// An edition is what viewers get of a snapshot: the server's own bytes, or, of a Media Playlist of
// HLS or an MPD of DASH, one that goes on where the one before stopped.
type edition struct {
	content []byte // nil once published, except of what may go on
	sum     [sha256.Size]byte
	md5     string        // in hex
	list    *hls.Playlist // of a playlist that was rewritten, else nil
	mpd     *dash.MPD     // of an MPD that was rewritten, else nil
	tail    []*file       // what it names of earlier runs of the stream
	seam    bool          // it is where a new run begins
	ended   bool          // it says that nothing follows
	without []*file       // of a master playlist: the variants that it leaves out
}

// isOwn reports whether e has the server's own bytes.
func (e *edition) isOwn() bool { return e.list == nil && e.mpd == nil }

func (e *edition) hexSum() string { return hex.EncodeToString(e.sum[:]) }

// size is what e takes beside the content that was read.
func (e *edition) size() int {
	if e.isOwn() {
		return 0
	}
	size := len(e.content) + len(e.tail)*elementSize
	if e.list != nil {
		size += len(e.list.Segments) * segmentSize
	}
	return size
}

// A basis is what an edition is made of, beside the snapshot. It stays what it is until one of
// these changes.
type basis struct {
	shown *shown
	lost  int // of the files that the snapshot names
	end   ending
	run   string // under whose name the files are published; "": as they are called on the disk
	// What a new run begins with at least, to be in step with other variants: a discontinuity number.
	number uint64
}

// An ending says whether an edition has an end.
type ending uint8

const (
	asWritten ending = iota // as the server wrote it
	leftOut                 // the stream may return
	added                   // although the server wrote none: the stream is over
)

// compose makes the edition of s that viewers may get now.
func (m *manifest) compose(s *snapshot, now time.Time) {
	if !m.needsRecall() { // what viewers have tells where it ends
		s.endBeforeHole()
	}
	if s.isMaster() {
		m.composeMaster(s)
	}
	if !s.isPlaylist() && !s.isPresentation() {
		return
	}
	b := basis{shown: m.line.shown, lost: s.countLost(), run: s.runName(), number: m.groupNumber(s)}
	switch {
	case m.line.over:
		b.end = added
	case s.parsed.Ended && (m.waitsForReturn(s, now) || m.hasReturned(s)):
		b.end = leftOut
	}
	if s.basis == b {
		return
	}
	s.basis = b
	s.setEdition(m.edit(s, b))
}

// edit returns the edition of s on a basis.
func (m *manifest) edit(s *snapshot, b basis) edition {
	if s.isFit(b) {
		return s.own
	}
	if s.isPresentation() {
		return m.editMPD(s, b)
	}
	run, err := hls.Parse(s.own.content)
	if err != nil {
		m.cannotEdit(err)
		return s.own
	}
	list, join := m.continued(s, run, b)
	if b.lost > 0 {
		list = list.WithGaps(m.isLost)
	}
	if len(list.Segments) == 0 { // nothing of it can arrive: what viewers have ends, or stays
		if list = m.lastShown(b.shown); list == nil {
			return s.own
		}
		join = hls.Same
	}
	// An end is final, as long as nothing follows it.
	over := b.shown != nil && b.shown.ended && join == hls.Same && list.Next() == b.shown.list.Next()
	if over {
		list = list.WithEnd()
	} else {
		list = b.end.of(list, s.parsed.Ended)
	}
	if list == run {
		return s.own
	}
	content := list.Bytes()
	return edition{content: content, sum: sha256.Sum256(content), md5: MD5(content), list: list,
		seam: join == hls.Seam, tail: m.filesOf(list, run), ended: list.Ended}
}

// isFit reports whether the server's own bytes are what viewers should get: they go on from what
// viewers have, and have the right end and no gap.
func (s *snapshot) isFit(b basis) bool {
	same := b.number == 0
	if had := b.shown; had != nil {
		same = had.own && had.run == s.origin.run && had.watched
	}
	return same && b.lost == 0 && b.run == "" && (b.end == asWritten || b.end == added && s.parsed.Ended)
}

// of returns list with this end. ended: the server wrote one.
func (e ending) of(list *hls.Playlist, ended bool) *hls.Playlist {
	switch {
	case e == leftOut:
		return list.WithoutEnd()
	case ended, e == added:
		return list.WithEnd()
	}
	return list
}

// setEdition replaces the edition of s, which waits.
func (s *snapshot) setEdition(e edition) {
	for _, f := range e.tail {
		f.naming.now++
		f.naming.named()
	}
	for _, f := range s.edition.tail {
		f.naming.now--
		f.src.forgetIfUnused(f)
	}
	s.edition = e
}

// mayForget reports whether the bytes of s are not needed once it is published.
func (s *snapshot) mayForget() bool { return !s.mayGoOn() && len(s.edition.without) == 0 }

// dropContent frees the bytes of s, which is published.
func (s *snapshot) dropContent() { s.own.content, s.edition.content = nil, nil }

// isPlaylist reports whether s is a Media Playlist of HLS.
func (s *snapshot) isPlaylist() bool {
	return s.manifest.file.src.layout.Format == media.HLS && !s.parsed.Set
}

// mayGoOn reports whether s may be continued by another run of its stream.
func (s *snapshot) mayGoOn() bool {
	return (s.isPlaylist() || s.isPresentation()) && s.manifest.file.src.dest.ReconnectWindow > 0
}

// repeatsReturned reports whether viewers would get nothing of s, a playlist of which nothing can
// arrive, but only what the list before named, under names that have other content by now (R2).
func (s *snapshot) repeatsReturned() bool {
	e := &s.edition
	return e.list != nil && !e.ended && s.basis.lost > 0 && slices.ContainsFunc(e.tail, (*file).returns) &&
		!slices.ContainsFunc(s.refs[s.others:], func(f *file) bool { return !f.bucket.isLost() })
}

// hasReturned reports whether a later run of the stream than that of s waits, which goes on from it.
func (m *manifest) hasReturned(s *snapshot) bool {
	newest := m.newestWaiting()
	return newest != nil && newest.mayGoOn() && newest.origin.run > s.origin.run
}

// countLost returns how many of the files that s names can never arrive.
func (s *snapshot) countLost() (n int) {
	for f := range s.named() {
		if f.bucket.isLost() {
			n++
		}
	}
	return n
}

// isLost reports whether the file can never arrive that uri means in m.
func (m *manifest) isLost(uri string) bool {
	f := m.lookUp(uri)
	return f != nil && f.bucket.isLost()
}

// lookUp returns what is known of the file that uri means in m, or nil.
func (m *manifest) lookUp(uri string) *file { return m.file.src.find(m.pathOf(uri)) }

// pathOf returns the path of the file that uri means in m, or "" if it is another host's.
func (m *manifest) pathOf(uri string) string {
	if m.names == nil {
		m.names = media.NewNames(path.Dir(m.file.path), media.RootAddresses{})
	}
	p, _ := m.names.File(uri, func(p string) bool { return m.file.src.find(p) != nil })
	return p
}

// fileOf returns the file that uri means in m, or nil if it is another host's, or m itself.
func (m *manifest) fileOf(uri string) *file {
	p := m.pathOf(uri)
	if p == "" || p == m.file.path {
		return nil
	}
	return m.file.src.schedule.file(m.file.src, p)
}

// filesOf returns the files that list names and run does not.
func (m *manifest) filesOf(list, run *hls.Playlist) (tail []*file) {
	seen := make(map[string]bool)
	for uri := range run.URIs() {
		seen[uri] = true
	}
	for uri := range list.URIs() {
		if seen[uri] {
			continue
		}
		seen[uri] = true
		if f := m.fileOf(uri); f != nil && f.manifest == nil {
			tail = append(tail, f)
		}
	}
	return tail
}

// first returns the number of the first segment that viewers get.
func (s *snapshot) first() uint64 {
	if s.edition.list != nil {
		return s.edition.list.Sequence
	}
	return s.parsed.Sequence
}

// last returns the number of the newest segment that viewers get.
func (s *snapshot) last() uint64 {
	if s.edition.list != nil {
		return s.edition.list.Last()
	}
	return s.parsed.Last
}

// segments returns how many segments viewers get.
func (s *snapshot) segments() int {
	if s.edition.list != nil {
		return len(s.edition.list.Segments)
	}
	return s.parsed.Segments
}
