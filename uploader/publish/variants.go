package publish

import (
	"crypto/sha256"
	"slices"
	"time"

	"ems-sidecar/hls"
	"ems-sidecar/media"
)

// R2, of variants that never come. Some writers list variants in a master playlist that are switched
// off, or that their encoder never sends. Without an exception, viewers would have no variant at all.

// absentPatience is how long a master playlist waits at least for a variant that is nowhere. A
// variant's playlist comes with its first chunk, so it is no shorter than two target durations of the
// others.
const absentPatience = 30 * time.Second

// isMaster reports whether s is a master playlist of HLS.
func (s *snapshot) isMaster() bool {
	return s.parsed.Set && s.manifest.file.src.layout.Format == media.HLS
}

// isNowhere reports whether f is a playlist that neither the disk nor the bucket has.
func (f *file) isNowhere() bool {
	m := f.manifest
	return m != nil && m.published == nil && len(m.waiting) == 0 && !m.isBusy() && !f.bucket.isConfirmed() &&
		f.disk.state == diskGone && f.work.state == idle
}

// goesWithout returns from when on s need not wait for f, which is not in the bucket. It is zero if
// s has to wait for it: f is no variant, it exists, or no other variant can be played.
func (s *snapshot) goesWithout(f *file) (from time.Time) {
	if !s.isMaster() || !f.isNowhere() {
		return time.Time{}
	}
	patience, some := absentPatience, false
	for _, r := range s.refs {
		if r.manifest != nil && r.bucket.isConfirmed() {
			patience, some = max(patience, 2*r.stream.targetOf()), true
		}
	}
	switch p := s.manifest.published; {
	case !some:
		return time.Time{}
	case p != nil && p.names(f) && f.manifest.told.absent: // viewers have been without it
		return s.origin.readAt
	}
	return s.origin.readAt.Add(patience)
}

// absent returns those of its references that are nowhere.
func (s *snapshot) absent() (files []*file) {
	for _, f := range s.refs {
		if f.isNowhere() {
			files = append(files, f)
		}
	}
	return files
}

// composeMaster makes the edition of s, a master playlist, which leaves out what is absent if the
// destination wants that.
func (m *manifest) composeMaster(s *snapshot) {
	var without []*file
	if m.file.src.dest.RemoveAbsent {
		without = s.absent()
	}
	switch {
	case slices.Equal(without, s.edition.without):
	case len(without) == 0:
		s.setEdition(s.own)
	default:
		content := hls.WithoutVariants(s.own.content, func(uri string) bool {
			f := m.lookUp(uri)
			return f != nil && slices.Contains(without, f)
		})
		s.setEdition(edition{content: content, sum: sha256.Sum256(content), md5: MD5(content), ended: s.own.ended,
			without: without})
	}
}

// completes has what was published of m put once more if a variant has come that it leaves out: its
// writer may never write it again.
func (m *manifest) completes() bool {
	p := m.published
	came := p != nil && len(m.waiting) == 0 &&
		slices.ContainsFunc(p.edition.without, func(f *file) bool { return f.bucket.isConfirmed() })
	if came {
		m.again()
	}
	return came
}

// noteAbsent logs the variants without which s, which viewers have now, was published, each once.
func (s *Schedule) noteAbsent(snap *snapshot, now time.Time) {
	if !snap.isMaster() {
		return
	}
	for _, f := range snap.refs {
		if !f.isNowhere() || f.manifest.told.absent {
			continue
		}
		f.manifest.told.absent = true
		next := "players that ask for it get an error, until it comes"
		if slices.Contains(snap.edition.without, f) {
			next = "it is not listed; the playlist is published again when it comes"
		}
		set := snap.manifest.file
		s.figures.failures++
		s.reportOf(f.key(), variantAbsent, set.stream, "key", set.key(), "variant", f.key(),
			"lasted", rounded(now.Sub(snap.origin.readAt)), "next", next,
			"hint", "does the writer's config have a variant that it never writes?")
	}
}

// variantCame logs that viewers have f, a playlist, without which a master playlist was published.
func (s *Schedule) variantCame(f *file) {
	if f.manifest.told.absent {
		f.manifest.told.absent = false
		s.log.Info("variant that was absent has come", "stream", f.stream.shown(), "key", f.key())
	}
}
