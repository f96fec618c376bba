package publish

// stale reports whether a chunk that it names has got other content since: then another run of the
// stream uses its name, and s is not to be seen any more if there is a newer one.
func (s *snapshot) stale() bool {
	for i, f := range s.refs {
		if i < s.others && s.isOutlivedBy(f) {
			return true
		}
		// It changed into what s means, if that was written when s was.
		own := s.onDisk != nil && f.disk.version.Equal(s.onDisk[i]) &&
			!f.disk.version.ModTime.After(s.origin.modTime.Add(s.manifest.file.src.traits.NamesEarly))
		if f.bucket.changedAt.After(s.origin.readAt) && !own || s.isOutwritten(i, f) {
			return true
		}
	}
	return false
}

// isOutlivedBy reports whether f, an init segment that s names, was written after s. EMS writes
// init segments before the first segment, so that one which is younger than a manifest with
// segments is another run's, also if the one before was never seen.
func (s *snapshot) isOutlivedBy(f *file) bool {
	return f.manifest == nil && s.parsed.Segments > 0 && f.src.traits.ReusesNames &&
		f.disk.version.ModTime.After(s.origin.modTime)
}

// isOutwritten reports whether f, a segment that s names, was written after s, and later than a
// manifest may name it early. Then it is not what s means, also if the content before was
// forgotten, or never reported.
func (s *snapshot) isOutwritten(i int, f *file) bool {
	return i >= s.others && f.manifest == nil && f.src.traits.ReusesNames &&
		f.disk.version.ModTime.After(s.origin.modTime.Add(f.src.traits.NamesEarly))
}

// startsNewRun reports whether s belongs to another run of the stream than what is known.
func (m *manifest) startsNewRun(s *snapshot) bool {
	known := m.newest()
	if known == nil || s.parsed.Set || known.parsed.Segments == 0 {
		return false
	}
	fell := s.parsed.Sequence < known.parsed.Sequence || s.parsed.Last < known.parsed.Last
	if m.file.src.traits.NamesAfresh { // within a run, what has one number has one name
		return s.parsed.Sequence <= known.parsed.Last && !s.shares(known) || fell && s.isNewerThan(known)
	}
	return s.parsed.Segments == 0 || fell
}
