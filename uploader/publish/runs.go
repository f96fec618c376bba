package publish

import (
	"slices"
	"time"

	"ems-sidecar/media"
)

// R4, of live playlists: the runs of a stream are published in their order. The newest snapshot does
// not name what the run before has ended with. If that waits, too, as after an outage, it goes first:
// else it would never be listed, and no player would play it.

// runInTurn returns the latest run of which a snapshot may be PUT now: the earliest run that waits and
// has something for viewers which is in the bucket, or is being sent. A run of which a chunk fails, or
// waits for another attempt, holds up no other.
func (m *manifest) runInTurn(now time.Time) int {
	newest := m.newestWaiting()
	if newest.mayGoOn() {
		for i, w := range m.waiting {
			if w.origin.run == newest.origin.run {
				break
			}
			if may, _ := m.mayPut(i, now); !may && !m.isArriving(i, now) {
				continue
			}
			if m.compose(w, now); m.addsToShown(w) {
				return w.origin.run
			}
		}
	}
	return newest.origin.run
}

// isArriving reports whether the i-th waiting snapshot only waits for what is in flight.
func (m *manifest) isArriving(i int, now time.Time) bool {
	s := m.waiting[i]
	for _, f := range s.open {
		if f.work.state != inFlight && !f.serves(s, now) {
			return false
		}
	}
	return !s.held && !m.hopeless(i) && !s.stale() && !m.file.src.isStuck()
}

// endOfFirstRun returns the newest waiting snapshot of the earliest run, or nil.
func (m *manifest) endOfFirstRun() *snapshot {
	for i, w := range m.waiting {
		if m.endsRun(i) {
			return w
		}
	}
	return m.newestWaiting()
}

// endsRun reports whether the one behind the i-th waiting snapshot is of another run, which goes on
// from it.
func (m *manifest) endsRun(i int) bool {
	return i+1 < len(m.waiting) && m.waiting[i].mayGoOn() && m.waiting[i].origin.run != m.waiting[i+1].origin.run
}

// RunOver applies that a run of a stream is over, whose name its files are published under: other files
// have their names on the disk now. It returns the paths of its files. What is not in the bucket is in
// the spool.
func (s *Schedule) RunOver(src *Source, stream, name string, now time.Time) (paths []string) {
	for p, f := range src.files {
		if _, run := src.layout.CutRun(p); f.manifest == nil && f.stream.name == stream && run == name {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	for _, p := range paths {
		f := src.files[p]
		s.left(src, p, now)
		if f.bucket.isSettled() || f.disk.isWhole() {
			s.removed(src, p)
		} else {
			s.reread(f, now.Add(absentGrace)) // its closing may be still to come
		}
		s.touch(f.stream)
	}
	return paths
}

// Replaces reports whether a manifest names the file p, and the bucket has other content of it than v.
func (s *Schedule) Replaces(src *Source, p string, v media.Version) bool {
	f := src.files[p]
	return f != nil && f.naming.now > 0 && f.bucket.isConfirmed() && f.bucket.version != (media.Version{}) &&
		!f.bucket.version.Equal(v)
}

// Names reports whether a manifest names the file p.
func (s *Schedule) Names(src *Source, p string) bool {
	f := src.files[p]
	return f != nil && f.naming.now > 0
}

// stale reports whether a chunk that it names has got other content since: then another run of the
// stream uses its name, and s is not to be seen any more if there is a newer one.
func (s *snapshot) stale() bool {
	for i, f := range s.refs {
		if i < s.others && s.isOutlivedBy(f) {
			return true
		}
		own := s.onDisk != nil && s.means(i)
		if f.bucket.changedAt.After(s.origin.readAt) && !own || s.isOutwritten(i, f) {
			return true
		}
	}
	return false
}

// means reports whether the content of its i-th reference that was closed last is what s means: it was
// written when s was. A playlist may have been read while that was still being written.
func (s *snapshot) means(i int) bool {
	closed, seen := s.refs[i].disk.version, s.onDisk[i]
	if closed.ModTime.After(s.origin.modTime.Add(s.traits().NamesEarly)) {
		return false
	}
	return closed.Equal(seen) || s.isPlaylist() && seen != (media.Version{}) && closed.ModTime.After(seen.ModTime)
}

// isOutlivedBy reports whether f, an init segment that s names, was written after s. EMS writes
// init segments before the first segment, so that one which is younger than a manifest with
// segments is another run's, also if the one before was never seen.
func (s *snapshot) isOutlivedBy(f *file) bool {
	return f.manifest == nil && s.parsed.Segments > 0 && f.returns() &&
		f.disk.version.ModTime.After(s.origin.modTime)
}

// isOutwritten reports whether f, a segment that s names, was written after s, and later than a
// manifest may name it early. Then it is not what s means, also if the content before was
// forgotten, or never reported.
func (s *snapshot) isOutwritten(i int, f *file) bool {
	return i >= s.others && f.manifest == nil && f.returns() &&
		f.disk.version.ModTime.After(s.origin.modTime.Add(f.traits().NamesEarly))
}

// startsNewRun reports whether s belongs to another run of the stream than what is known.
func (m *manifest) startsNewRun(s *snapshot) bool {
	known := m.newest()
	if known == nil || s.parsed.Set {
		return false
	}
	if s.isPresentation() && !s.parsed.Began.IsZero() && !known.parsed.Began.IsZero() {
		if other := !s.parsed.Began.Equal(known.parsed.Began); other || s.isOfEMS() {
			return other
		}
	}
	if known.parsed.Segments == 0 {
		return false
	}
	if other, told := s.isNamedAfterOtherRun(known); told {
		return other
	}
	fell := s.parsed.Sequence < known.parsed.Sequence || s.parsed.Last < known.parsed.Last
	switch {
	case s.beginsHigher(known):
		return true
	case s.namesAfresh(): // within a run, what has one number has one name
		return s.parsed.Sequence <= known.parsed.Last && !s.shares(known) || fell && s.isNewerThan(known)
	case s.isPlaylist():
		return s.parsed.Segments == 0 || fell && (s.isNewerThan(known) || !s.shares(known)) ||
			s.rewrites(known) || s.takesBackEnd(known)
	}
	return s.parsed.Segments == 0 || fell
}

// isNamedAfterOtherRun reports whether the names of segments tell that s is of another run than known.
// They tell nothing where each segment has a time of its own, or where that is not known.
func (s *snapshot) isNamedAfterOtherRun(known *snapshot) (other, told bool) {
	was, several := known.runStart()
	is, more := s.runStart()
	if was.IsZero() || is.IsZero() || !several && !more {
		return false, false
	}
	return !was.Equal(is), true
}

// runStart returns when the run of s began that the names of all its segments tell, or zero, and
// whether these are several.
func (s *snapshot) runStart() (began time.Time, several bool) {
	segments := s.refs[s.others:]
	for i, f := range segments {
		t, _, ok := media.RunOf(f.path)
		if !ok || i > 0 && !t.Equal(began) {
			return time.Time{}, false
		}
		began = t
	}
	return began, len(segments) > 1
}

// beginsHigher reports whether s, which has higher numbers than known, is another run all the same: a
// writer may number from the clock. Within a run, nothing follows an end, and a list of which all
// segments have left has rolled, and does not get shorter. A list of one segment that passes over
// numbers is a run's first, unless a list of one has rolled before. EMS numbers from 1.
func (s *snapshot) beginsHigher(known *snapshot) bool {
	if !s.isPlaylist() || s.traits().NamesAfresh || s.parsed.Segments == 0 ||
		s.parsed.Sequence <= known.parsed.Last || s.shares(known) {
		return false
	}
	rolled := known.parsed.Sequence != known.origin.first
	first := s.parsed.Segments == 1 && s.parsed.Sequence > known.parsed.Last+1 && !rolled
	return first || known.parsed.Ended || s.parsed.Segments < known.parsed.Segments
}

// takesBackEnd reports whether known has ended, and s, which has nothing more, has not. No writer
// takes an end back: another run begins with the same numbers.
func (s *snapshot) takesBackEnd(known *snapshot) bool {
	return known.parsed.Ended && !s.parsed.Ended && s.parsed.Last <= known.parsed.Last
}

// rewrites reports whether a segment that s and known both name, under one number, was written after
// known was. A writer with few names gives one of them to several numbers; within a run, what has one
// number has one content.
func (s *snapshot) rewrites(known *snapshot) bool {
	if s.namesAfresh() || !s.isCounted() || !known.isCounted() {
		return false
	}
	for i := s.others; i < len(s.refs); i++ {
		n := s.parsed.Sequence + uint64(i-s.others)
		if n < known.parsed.Sequence || n > known.parsed.Last {
			continue
		}
		at := known.others + int(n-known.parsed.Sequence)
		if s.refs[i] == known.refs[at] && s.isWrittenAfter(i, known) && known.knewOther(at, s.sees(i)) {
			return true
		}
	}
	return false
}

// sees returns the version of the i-th reference of s on the disk, as far as is known.
func (s *snapshot) sees(i int) media.Version {
	v := s.refs[i].disk.version
	if s.onDisk != nil && s.onDisk[i].ModTime.After(v.ModTime) {
		return s.onDisk[i] // its closing is not reported yet
	}
	return v
}

// knewOther reports whether the i-th reference of s had whole content that s means, and that is not
// v. If it was still being written when s was read, a later write tells nothing. If its name was gone
// by then, s means what was closed before that.
func (s *snapshot) knewOther(i int, v media.Version) bool {
	if s.onDisk == nil {
		return false
	}
	f, was := s.refs[i], s.onDisk[i]
	for _, had := range []media.Version{f.disk.version, f.disk.former} {
		gone := was == (media.Version{}) && !had.ModTime.After(s.origin.modTime.Add(s.traits().NamesEarly))
		if had != (media.Version{}) && !had.Equal(v) && (gone || was.Equal(had)) {
			return true
		}
	}
	return false
}

// isCounted reports whether each reference of s to a segment is to one of another number: there are
// no byte ranges, which are of one file.
func (s *snapshot) isCounted() bool {
	return s.isPlaylist() && len(s.refs)-s.others == s.parsed.Segments && s.parsed.Segments > 0
}

// isWrittenAfter reports whether the i-th reference of s was written after known was: then it is not
// what known means.
func (s *snapshot) isWrittenAfter(i int, known *snapshot) bool {
	return s.sees(i).ModTime.After(known.origin.modTime.Add(s.traits().NamesEarly))
}
