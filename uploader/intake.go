package uploader

import (
	"time"

	"ems-sidecar/media"
)

// chunkClosed takes in that the chunk p is whole on disk, in version v.
func (s *schedule) chunkClosed(src *Source, p string, v media.Version, now time.Time) {
	f := src.files[p]
	named := f != nil && f.named > 0
	// EMS creates, closes and deletes empty files as a permission test.
	if !named && (src.layout.Kind(p).Role != media.ChunkFile || v.Size == 0) {
		return
	}
	if f == nil {
		f = s.file(src, p)
	}
	if why := f.keyProblem(); why != "" {
		s.lose(f, "file cannot be published", why)
		return
	}
	if f.lost {
		f.lost = false
		src.generation++
	}
	f.removed = false
	if f.confirmed && f.confirmedVersion.Equal(v) || f.closed && f.version.Equal(v) && f.state != idle && !f.look {
		f.closed, f.version = true, v
		return
	}
	if f.confirmed {
		f.confirmed = false // the bucket holds other content under this name
		src.generation++
	}
	f.closed, f.version, f.look, f.lagKnown = true, v, false, false
	f.retryAt, f.failures = time.Time{}, 0
	f.closedAt = v.ModTime
	if f.closedAt.After(now) || now.Sub(f.closedAt) > time.Minute {
		f.closedAt = now // found by a scan, or another machine's clock
	}
	if f.state != inFlight {
		f.stream.enqueue(f)
	}
}

// manifestClosed takes in what the manifest p held at one closing, and which files below the root that names.
func (s *schedule) manifestClosed(src *Source, p string, snap *snapshot, refs []string, now time.Time) {
	f := s.file(src, p)
	m := f.manifest
	f.removed, f.closed, f.failures = false, true, 0
	delete(s.rereads, f)
	if why := f.keyProblem(); why != "" {
		s.lose(f, "manifest cannot be published", why)
		return
	}
	if known := m.newest(); known != nil && known.sum == snap.sum {
		return
	}
	for _, r := range refs {
		snap.refs = append(snap.refs, s.file(src, r))
	}
	if m.wentBack(snap) {
		s.warnPerFile(f.stream, "playlist went back", "key", f.key(), "media_sequence", snap.playlist.Sequence,
			"known", m.newest().playlist.Sequence, "next", "it is ignored until it moves on")
		s.figures.failures++
		for _, r := range snap.refs {
			src.forgetIfUnused(r)
		}
		return
	}
	if snap.outside != "" && snap.outside != m.outside {
		m.outside = snap.outside
		s.log.Warn("playlist names a file outside of the root, which is never published", "stream", f.stream.name,
			"key", f.key(), "uri", snap.outside, "next", "the playlist does not wait for it")
	}
	snap.generation = src.generation - 1 // so that ready looks at every reference
	m.add(snap)
	var unknown []string
	for _, r := range snap.refs {
		switch {
		case r.settled() || r.closed:
		case r.keyProblem() != "":
			s.lose(r, "file cannot be published", r.keyProblem())
		case r.state == idle:
			unknown = append(unknown, r.path)
		}
	}
	if len(unknown) > 0 {
		src.expecter.Expect(unknown...)
	}
}

// removed takes in that the name p is gone from the disk.
func (s *schedule) removed(src *Source, p string) {
	f, ok := src.files[p]
	if !ok {
		return
	}
	f.removed = true
	if f.manifest != nil {
		return // what was read of it is still to be published (R5)
	}
	if !f.confirmed && f.state != inFlight {
		s.missing(f)
	}
	src.forgetIfUnused(f)
}

// manifestUnreadable has the manifest p, which cannot be read now, reported again later: if it was
// the stream's last one, no closing will.
func (s *schedule) manifestUnreadable(src *Source, p string, err error, now time.Time) {
	f := s.file(src, p)
	f.failures++
	s.figures.failures++
	wait := backoff(f.failures+2, localRetryCap)
	s.rereads[f] = now.Add(wait)
	s.log.Warn("playlist cannot be read", "root", src.dir, "stream", f.stream.name, "key", f.key(), "err", err,
		"attempt", f.failures, "next", "it is read again", "retry_in", wait.Round(time.Millisecond))
}

// absent takes in that p, which a manifest names, is not on disk.
func (s *schedule) absent(src *Source, p string) {
	if f, ok := src.files[p]; ok && !f.settled() && f.state == idle {
		f.removed = true
		s.missing(f)
	}
}

// missing handles a file that is not on disk and not confirmed. If a manifest names it, the bucket is
// asked for it: an earlier run may have uploaded it.
func (s *schedule) missing(f *file) {
	f.closed = false
	if f.named == 0 && f.manifest == nil {
		f.state = idle
		s.lose(f, "chunk is lost", "it was deleted from the disk before it could be uploaded")
		return
	}
	f.look = true
	f.stream.enqueue(f)
}

// lose gives up a file that can never arrive: no manifest waits for it any longer.
func (s *schedule) lose(f *file, what, why string) {
	if f.lost {
		return
	}
	f.lost = true
	s.figures.lost++
	next := "it stays out of the bucket; no manifest names it"
	if f.named > 0 {
		next = "the manifest that names it no longer waits for it"
	}
	s.warnPerFile(f.stream, what, "key", f.key(), "err", why, "next", next)
}

// maxWarnings bounds, for each stream and minute, the warnings that can come once per file.
const maxWarnings = 5

func (s *schedule) warnPerFile(st *stream, msg string, attrs ...any) {
	st.warnings++
	if st.warnings > maxWarnings {
		return
	}
	attrs = append([]any{"stream", st.name}, attrs...)
	if st.warnings == maxWarnings {
		attrs = append(attrs, "more", "further warnings of this minute are only counted")
	}
	s.log.Warn(msg, attrs...)
}
