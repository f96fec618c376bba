package publish

import (
	"time"

	"ems-sidecar/media"
)

// Whether a manifest is of the run that is known, or of another one: EMS begins again at number 1, and
// with the same names. Playlists, MPDs and other manifests tell it by different signs.

// startsNewRun reports whether s belongs to another run of the stream than what is known. The start
// that an MPD states is asked first, then the names of segments, and then their numbers.
func (m *manifest) startsNewRun(s *snapshot) bool {
	known := m.newest()
	if known == nil || s.parsed.Set {
		return false
	}
	if other, told := s.statesOtherStart(known); told {
		return other
	}
	if known.parsed.Segments == 0 {
		return false
	}
	if other, told := s.isNamedAfterOtherRun(known); told {
		return other
	}
	return s.isNumberedAsOtherRun(known)
}

// statesOtherStart reports whether s, an MPD, began at another time than known. That both began at one
// time tells something of EMS only.
func (s *snapshot) statesOtherStart(known *snapshot) (other, told bool) {
	if !s.isPresentation() || s.parsed.Began.IsZero() || known.parsed.Began.IsZero() {
		return false, false
	}
	other = !s.parsed.Began.Equal(known.parsed.Began)
	return other, other || s.isOfEMS()
}

// isNumberedAsOtherRun reports whether the numbers of segments, with their names and times where a
// number alone tells nothing, are those of another run than known's.
func (s *snapshot) isNumberedAsOtherRun(known *snapshot) bool {
	switch {
	case s.beginsHigher(known):
		return true
	case s.namesAfresh(): // within a run, what has one number has one name
		return s.parsed.Sequence <= known.parsed.Last && !s.shares(known) ||
			s.numbersFell(known) && s.isNewerThan(known)
	case s.parsed.Segments == 0:
		return true
	case s.isPlaylist():
		return s.numbersFell(known) && (s.isNewerThan(known) || !s.shares(known)) ||
			s.rewrites(known) || s.takesBackEnd(known)
	}
	return s.numbersFell(known)
}

// numbersFell reports whether s begins or ends with a lower number than known.
func (s *snapshot) numbersFell(known *snapshot) bool {
	return s.parsed.Sequence < known.parsed.Sequence || s.parsed.Last < known.parsed.Last
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
