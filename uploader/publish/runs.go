package publish

import (
	"slices"
	"time"

	"ems-sidecar/hls"
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
	for _, f := range s.unserved.files {
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
	s.Left(src, paths, now)
	return paths
}

// Left applies that other files have the names on the disk now of those that are published under these
// paths. What is not in the bucket is in the spool.
func (s *Schedule) Left(src *Source, paths []string, now time.Time) {
	for _, p := range paths {
		f := src.files[p]
		if f == nil {
			continue
		}
		s.left(src, p, now)
		if f.bucket.isSettled() || f.disk.isWhole() {
			s.removed(src, p)
		} else {
			s.reread(f, now.Add(absentGrace)) // its closing may be still to come
		}
		s.touch(f.stream)
	}
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

// isOneRun reports whether it is proved that list, which was published at a time, is of the run, whose
// last segment was closed at another: by the names of segments, or by their pace. Names of segments
// that each have a time of their own prove nothing.
func isOneRun(list, run *hls.Playlist, published, closed time.Time) bool {
	if len(list.Segments) == 0 || len(run.Segments) == 0 {
		return false
	}
	first, last := &run.Segments[0], &run.Segments[len(run.Segments)-1]
	had, _, told := media.RunOf(list.Segments[len(list.Segments)-1].URI)
	began, _, tells := media.RunOf(first.URI)
	switch ends, _, _ := media.RunOf(last.URI); {
	case told && tells && had.Equal(began):
		return true
	case told && tells && last != first && ends.Equal(began):
		return false
	}
	return hls.SameRun(list, run, published, closed)
}
