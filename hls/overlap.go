package hls

// overlap is [overlap] for names that may come back: then numbers decide alone.
func (n *next) overlap() (at int64, ok bool) {
	if n.returns != nil && len(n.shown.Segments) > 0 && n.returns(n.run.Segments[0].URI) {
		at = byNumbers(n.shown, n.run)
		return at, aligned(n.shown.Segments, n.run.Segments, at)
	}
	return overlap(n.shown, n.run)
}

// overlap returns where run begins in terms of the segments of shown: its first segment is segment
// at of shown, or at is negative and shown begins later. It is false if the two share no segment, or
// do not share all those between the later beginning and the earlier end.
func overlap(shown, run *Playlist) (at int64, ok bool) {
	if len(shown.Segments) == 0 || len(run.Segments) == 0 {
		return 0, false
	}
	if at = byNumbers(shown, run); aligned(shown.Segments, run.Segments, at) {
		return at, true
	}
	// Some writers' numbers are not what they should be: EMS numbers files, of which each may have
	// several ranges. If there is an overlap, either the first segment of run is in shown, or the
	// other way round.
	tries := 0
	for i := len(shown.Segments) - 1; i >= 0 && tries < maxTries; i-- {
		if shown.Segments[i].same(&run.Segments[0]) {
			if tries++; aligned(shown.Segments, run.Segments, int64(i)) {
				return int64(i), true
			}
		}
	}
	for i := range run.Segments {
		if tries < maxTries && run.Segments[i].same(&shown.Segments[0]) {
			if tries++; aligned(shown.Segments, run.Segments, int64(-i)) {
				return int64(-i), true
			}
		}
	}
	return 0, false
}

// byNumbers returns where run begins in terms of the segments of shown if its numbers are right.
func byNumbers(shown, run *Playlist) int64 {
	return int64(run.Sequence) + shown.Offset - int64(shown.Sequence)
}

// aligned says whether the lists overlap, and are the same as far as they do, if run begins at
// segment at of shown.
func aligned(shown, run []Segment, at int64) bool {
	switch {
	case at >= int64(len(shown)) || -at >= int64(len(run)):
		return false
	case at >= 0:
		shown = shown[at:]
	default:
		run = run[-at:]
	}
	for i := range min(len(shown), len(run)) {
		if !shown[i].same(&run[i]) {
			return false
		}
	}
	return true
}
