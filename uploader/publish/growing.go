package publish

import "time"

// rangesWait is how long a live playlist waits for a file of which it lists byte ranges, before the
// operator is told why: a file that is closed soon after it was named is no such case.
const rangesWait = 3 * time.Second

// noteGrowing tells of the manifests of st that list byte ranges of a file that is still written: a
// store cannot append to an object, so that they wait until it is closed.
func (s *Schedule) noteGrowing(st *stream, now time.Time) {
	for _, m := range st.manifests {
		if m.told.growing || len(m.waiting) == 0 {
			continue
		}
		w := m.waiting[0]
		if w.parsed.Ranged == "" || w.parsed.Ended || now.Sub(w.origin.readAt) < rangesWait {
			continue
		}
		if f := m.lookUp(w.parsed.Ranged); f != nil && !f.disk.isWhole() && !f.bucket.isSettled() {
			m.told.growing = true
			s.reportOf(m.file.key(), fileGrows, st, "key", m.file.key(), "file", f.path,
				"next", "the playlist is published when that file is closed",
				"hint", "set split_ranges = on, or write a file per chunk: ffmpeg without -hls_flags single_file, EMS with "+
					"useByteRange=0 or a small fileLength")
		}
	}
}
