package publish

import (
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
)

// Which program writes a stream is a property of its directory, and may be told by the names of its
// chunks. It is EMS's as long as all names are such as EMS gives. What is wrong about that costs
// little: see media.Generic.

// noteWriter notes what the name of its file p tells of the program that writes st.
func (st *stream) noteWriter(p string) {
	if st.src.layout.Writer != media.NamesTell || st.writing.by == media.AnyWrites {
		return
	}
	if w := st.src.layout.WriterOf(p); w != media.NamesTell {
		st.writing.by = w
	}
}

// traits are those of the program that writes st.
func (st *stream) traits() *media.Traits { return st.src.layout.Traits(st.writing.by) }

func (f *file) traits() *media.Traits { return f.stream.traits() }

// returns reports whether f may get the content of another run.
func (f *file) returns() bool { return f.mayReturn(f.disk.version.ModTime) }

// mayReturn reports whether f, which was written at the time, may get the content of another run.
func (f *file) mayReturn(written time.Time) bool {
	return !f.isOfRun() && f.traits().Returns(f.path, written)
}

// isImmutable reports whether f never gets other content.
func (f *file) isImmutable() bool {
	return f.isOfRun() || f.traits().IsImmutable(f.path, f.disk.version.ModTime)
}

// isOfRun reports whether f is published under the name of its run.
func (f *file) isOfRun() bool {
	_, run := f.src.layout.CutRun(f.path)
	return run != ""
}

// traits are those of the program that wrote s: of the stream of its newest segment. A manifest need
// not be in the directory of its chunks.
func (s *snapshot) traits() *media.Traits {
	if n := len(s.refs); n > 0 && s.refs[n-1].manifest == nil {
		return s.manifest.file.src.layout.Traits(s.refs[n-1].stream.writing.by)
	}
	return s.manifest.file.traits()
}

// namesAfresh reports whether a run of the stream of s gives new names to all segments.
func (s *snapshot) namesAfresh() bool {
	t := s.traits()
	if t.NamesAfresh || !t.ReusesNames || !t.UniqueTimes {
		return t.NamesAfresh
	}
	for _, f := range s.refs[s.others:] {
		if f.mayReturn(s.writing(f)) {
			return false
		}
	}
	return true
}

// writing returns when f, which s names, or what viewers had before s, was written. Of what the disk
// has not told yet, or has no more, that is about when s was: a time in its name can be told by that.
func (s *snapshot) writing(f *file) time.Time {
	if f == nil || f.disk.version.ModTime.IsZero() {
		return s.origin.modTime
	}
	return f.disk.version.ModTime
}

// returning returns what tells whether a URI in m names a file that may come back, or nil if none
// does.
func (m *manifest) returning(s *snapshot) func(uri string) bool {
	if !s.traits().ReusesNames {
		return nil
	}
	return func(uri string) bool {
		p := m.pathOf(uri)
		f := m.file.src.find(p)
		if _, run := m.file.src.layout.CutRun(p); f == nil && run != "" {
			return false
		}
		if f == nil {
			return m.file.traits().Returns(uri, s.writing(nil))
		}
		return f.mayReturn(s.writing(f))
	}
}

// rewroteShown reports whether s has other content under a name and a number that an earlier process
// has shown: the stream started again while none watched it.
func (m *manifest) rewroteShown(s *snapshot, have *shown, list *hls.Playlist) bool {
	if s.namesAfresh() || !s.isCounted() {
		return false
	}
	for i := s.others; i < len(s.refs); i++ {
		n := int64(s.parsed.Sequence) + int64(i-s.others) + list.Offset - int64(list.Sequence)
		if n < 0 || n >= int64(len(list.Segments)) || m.lookUp(list.Segments[n].URI) != s.refs[i] {
			continue
		}
		if s.sees(i).ModTime.After(have.at.Add(storedGranularity + s.traits().NamesEarly)) {
			return true
		}
	}
	return false
}
