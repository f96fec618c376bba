package media

// oneRow is for playlists, which number their segments: one row, the next segment has the next
// number.
func oneRow(Manifest) (step, tracks uint64) { return 1, 1 }

// numberedRows is for manifests that give each number to one segment of each track.
func numberedRows(m Manifest) (step, tracks uint64) {
	return 1, max(1, uint64(m.Segments)/(m.Last-m.Sequence+1))
}

// timedRows is for manifests that have times and no numbers: both results follow from how many
// segments are in which time.
func timedRows(m Manifest) (step, tracks uint64) {
	step = uint64(m.TargetDuration.Milliseconds())
	if step == 0 {
		return 0, 0
	}
	length := m.Last - m.Sequence
	inRow := (length+step/2)/step + 1
	tracks = max(1, (uint64(m.Segments)+inRow/2)/inRow)
	if inRow = uint64(m.Segments) / tracks; inRow > 1 && length > 0 {
		step = max(1, length/(inRow-1))
	}
	return step, tracks
}
