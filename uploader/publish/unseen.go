package publish

import (
	"slices"
	"time"
)

const (
	// unseenGrace is how long chunks that a manifest passed over may take to be reported: it is
	// read before them.
	unseenGrace = 5 * time.Second
)

// A jump is what a manifest passed over from one reading to the next: chunks that it never named
// when it was read. The server wrote and deleted them meanwhile, because the daemon or the whole
// machine stood still, or could open no file.
type jump struct {
	manifest    *manifest
	first, last uint64 // as in media.Manifest
	chunks      uint64
	after       time.Time // they were written after that,
	before      time.Time // and before that
	dueAt       time.Time
	streams     []*stream // that have them
}

// jumpFrom returns what was passed over between known, which may be nil, and s.
func (s *snapshot) jumpFrom(known *snapshot, now time.Time) (j jump, passed bool) {
	if known == nil || s.origin.isNewRun || s.parsed.Segments == 0 || known.parsed.Segments == 0 ||
		s.parsed.Sequence <= known.parsed.Last {
		return j, false
	}
	step, tracks := s.manifest.file.src.layout.Format.Rows(s.parsed)
	if step == 0 {
		return j, false
	}
	far := s.parsed.Sequence - known.parsed.Last
	n := far / step
	if far%step > step/2 {
		n++
	}
	if n < 2 || n > maxUnseen/tracks {
		return j, false
	}
	j = jump{
		manifest: s.manifest, first: known.parsed.Last + step, last: s.parsed.Sequence - step,
		chunks: (n - 1) * tracks, after: known.origin.modTime, before: s.origin.modTime, dueAt: now.Add(unseenGrace),
	}
	for i, f := range s.refs[s.others:] {
		if i == 0 && f.disk.version.ModTime.After(known.origin.modTime) {
			j.before = f.disk.version.ModTime
		}
		for _, st := range []*stream{f.stream, f.stream.directory()} { // where they are until they are named
			if !slices.Contains(j.streams, st) {
				j.streams = append(j.streams, st)
			}
		}
	}
	return j, true
}

// closedUnlisted applies that a chunk was closed that no manifest has named so far.
func (st *stream) closedUnlisted(f *file) {
	if f.naming.state != neverNamed {
		return
	}
	f.naming.state = awaitsName
	st.writing.unlisted = append(st.writing.unlisted, f)
	if len(st.writing.unlisted) > maxUnlisted {
		st.forgetListed(f.disk.version.ModTime)
		st.writing.unlisted = slices.Delete(st.writing.unlisted, 0, max(0, len(st.writing.unlisted)-maxUnlisted))
	}
}

// forgetListed forgets the chunks that a manifest has named, and those that none will name any
// more.
func (st *stream) forgetListed(now time.Time) {
	st.writing.unlisted = slices.DeleteFunc(st.writing.unlisted, func(f *file) bool {
		return f.naming.isNamed() || now.Sub(f.disk.version.ModTime) > manifestMemory
	})
}

// unseen returns how many chunks of the jump were not reported either.
func (j jump) unseen() uint64 {
	n := j.chunks
	for _, st := range j.streams {
		for _, f := range st.writing.unlisted {
			if at := f.disk.version.ModTime; n > 0 && !f.naming.isNamed() && at.After(j.after) && at.Before(j.before) {
				n--
			}
		}
	}
	return n
}

// noteJumps logs and counts what was never seen, of the jumps that are due at a time.
func (s *Schedule) noteJumps(at time.Time) {
	s.jumps = slices.DeleteFunc(s.jumps, func(j jump) bool {
		if at.Before(j.dueAt) {
			return false
		}
		if n := j.unseen(); n > 0 {
			f := j.manifest.file
			s.figures.lost += int64(n)
			s.report(neverSeenChunks, f.stream, "key", f.key(), "count", n,
				"first", j.first, "last", j.last, "next", "they are in no object; the stream goes on with the newest",
				"hint", "this machine or the daemon stood still, or it could open no file")
		}
		return true
	})
}
