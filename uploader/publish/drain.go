package publish

import (
	"time"
)

// Drain ends the publishing: from now on only manifests that need nothing else are started.
func (s *Schedule) Drain() {
	s.draining = true
	s.touchAll(nil)
}

// Drained reports whether nothing is left to wait for after Drain.
func (s *Schedule) Drained(now time.Time) bool {
	return s.draining && !s.Busy() && s.Wake(now).IsZero()
}

// NoteLeft notes what is not done when the publishing ends.
func (s *Schedule) NoteLeft(now time.Time) {
	s.noteJumps(now.Add(unseenGrace))
	chunks, manifests := 0, 0
	var first string
	for f, isUpload := range s.pools.sending {
		if isUpload {
			chunks++
			first = f.key()
		}
	}
	for _, st := range s.ring {
		note := func(f *file) {
			if f.work.state == queued && f.work.isSending() && !f.work.pause.isForPatch() {
				chunks++
				first = f.key()
			}
		}
		for _, f := range st.todo.pending {
			if f.stream == st {
				note(f)
			}
		}
		for _, f := range st.backlog.uncompared { // of all streams in the directory
			note(f)
		}
		for _, m := range st.manifests {
			if len(m.waiting) > 0 {
				manifests++
				first = m.file.key()
			}
		}
	}
	if chunks+manifests == 0 {
		s.log.Info("everything that was closed is published")
		return
	}
	s.log.Warn("stopped before everything was published", "chunks", chunks, "manifests", manifests,
		"one_of_them", first, "next", "the next start goes on with them, also with what is deleted from the disk until then")
}
