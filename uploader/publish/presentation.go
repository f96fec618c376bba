package publish

import (
	"crypto/sha256"
	"errors"
	"slices"

	"ems-sidecar/dash"
	"ems-sidecar/media"
)

// R3, of live MPDs of DASH: line.go has the reasons. A run of the stream is a Period; package dash
// knows how they follow one another. EMS never ends a live MPD: players of a stream that stopped
// wait, until it returns or an operator ends it. Other writers do, as ffmpeg does: that end waits, as
// a playlist's does.

// isPresentation reports whether s is an MPD that may go on over runs: it tells of which run it is, and
// what it names stays what it is. Of other programs than EMS, that is a live one without names that
// return, or the end of one.
func (s *snapshot) isPresentation() bool {
	return s.manifest.file.src.layout.Format == media.DASH && len(s.refs) > 0 &&
		(s.isOfEMS() || (s.parsed.Ended || !s.parsed.Began.IsZero()) && s.isUnique())
}

// endsRunOf reports whether s, an MPD that has ended and whose names are its run's alone, is the end of
// the run that viewers have: they know one of the files that it names.
func (s *snapshot) endsRunOf(have *shown) bool {
	m := s.manifest
	parsed, err := m.file.src.layout.Parse(m.file.path, have.content)
	if err != nil {
		return false
	}
	names := make(map[*file]struct{}, len(s.refs))
	for _, f := range s.refs {
		names[f] = struct{}{}
	}
	for ref := range parsed.References() {
		if f := m.lookUp(ref.URI); f != nil {
			if _, ok := names[f]; ok {
				return true
			}
		}
	}
	return false
}

// isOfEMS reports whether s is an MPD of EMS.
func (s *snapshot) isOfEMS() bool { return s.manifest.file.src.layout.DatesRuns(s.onDiskName()) }

var errNotOneRun = errors.New("MPD: it has several Periods, or too long names")

// editMPD returns the edition of s, an MPD, on a basis.
func (m *manifest) editMPD(s *snapshot, b basis) edition {
	mayGoOn := m.file.src.dest.ReconnectWindow > 0 || b.run != ""
	if s.parsed.Ended {
		return m.editEnd(s, b)
	}
	if !mayGoOn && b.end != added {
		return s.own
	}
	run, err := dash.Parse(s.own.content)
	if err == nil && !run.IsLive() {
		err = errNotOneRun
	}
	if err != nil {
		// What EMS writes is always rewritten, and what others do only if the stream starts again.
		if s.isOfEMS() || s.origin.run > 0 {
			m.cannotEdit(err)
		}
		if run == nil || !s.isOfEMS() {
			return s.own
		}
	}
	next, join := m.continuedMPD(s, run, b)
	if b.end == added {
		next = next.WithEnd()
	}
	if next == run {
		return s.own
	}
	return m.rewritten(s, next, join)
}

// editEnd returns the edition of s, which has ended, on a basis. Where viewers have a live MPD of the
// run, s goes on from that, and its end may wait. Any other is the writer's own: a recording, as EMS
// writes one that grows, too.
func (m *manifest) editEnd(s *snapshot, b basis) edition {
	if s.isOfEMS() || m.file.src.dest.ReconnectWindow == 0 || b.shown == nil || !s.endsRunOf(b.shown) {
		return s.own
	}
	shown, err := b.shown.presentation()
	if err != nil {
		return s.own
	}
	run, err := dash.Reopen(s.own.content, shown, s.origin.modTime)
	if err != nil {
		return s.own
	}
	next, join := m.continuedMPD(s, run, b)
	if b.end == leftOut && !shown.Ended {
		return m.rewritten(s, next, join)
	}
	if next == run { // it never started again
		return s.own
	}
	return m.rewritten(s, next.WithEnd(), join)
}

// rewritten returns the edition of s that next is.
func (m *manifest) rewritten(s *snapshot, next *dash.MPD, join dash.Join) edition {
	content := next.Bytes()
	return edition{content: content, sum: sha256.Sum256(content), md5: MD5(content), mpd: next,
		seam: join == dash.Seam, tail: m.formerOf(s, content), ended: next.Ended}
}

// onDiskName returns what a file that s names is called on the disk.
func (s *snapshot) onDiskName() string {
	f := s.refs[len(s.refs)-1]
	name, _ := f.src.layout.CutRun(f.path)
	return name
}

// runName returns the name of the run under which the files of s are published, or "".
func (s *snapshot) runName() string {
	if !s.isPresentation() {
		return ""
	}
	f := s.refs[len(s.refs)-1]
	_, run := f.src.layout.CutRun(f.path)
	return run
}

// continuedMPD returns run, which is what s has, as it goes on from what viewers have.
func (m *manifest) continuedMPD(s *snapshot, run *dash.MPD, b basis) (*dash.MPD, dash.Join) {
	have := b.shown
	situation := dash.Situation{Named: b.run != "", Unique: !s.isOfEMS()}
	if have == nil || m.file.src.dest.ReconnectWindow == 0 {
		return dash.Continue(nil, run, situation)
	}
	mpd, err := have.presentation()
	if err != nil {
		m.cannotEdit(err)
		return dash.Continue(nil, run, situation)
	}
	situation.TooOld = m.haveLeft(s, have, run.Start)
	situation.Restarted = have.watched && have.run != s.origin.run
	return dash.Continue(mpd, run, situation)
}

// isUnique reports whether none of the names in s comes back with other content. One template makes those
// of all segments.
func (s *snapshot) isUnique() bool {
	return !s.refs[len(s.refs)-1].returns() &&
		!slices.ContainsFunc(s.refs[:s.others], func(f *file) bool { return f.returns() })
}

// presentation returns the MPD of s, or an error if it is none that can be continued.
func (s *shown) presentation() (*dash.MPD, error) {
	if s.mpd == nil {
		mpd, err := dash.Parse(s.content)
		if err != nil {
			return nil, err
		}
		s.mpd, s.ended = mpd, mpd.Ended
	}
	return s.mpd, nil
}

// isOlderMPD reports whether viewers who have known miss nothing of s.
func (s *shown) isOlderMPD(known *shown) bool {
	mine, err := s.presentation()
	if err != nil {
		return true
	}
	theirs, err := known.presentation()
	return err == nil && !mine.IsNewer(theirs)
}

// formerOf returns the files that content, an edition of s, names and s does not.
func (m *manifest) formerOf(s *snapshot, content []byte) (former []*file) {
	parsed, err := m.file.src.layout.Parse(m.file.path, content)
	if err != nil {
		return nil // it names what was read before
	}
	seen := make(map[*file]bool, len(s.refs))
	for _, f := range s.refs {
		seen[f] = true
	}
	for ref := range parsed.References() {
		if f := m.fileOf(ref.URI); f != nil && f.manifest == nil && !seen[f] {
			seen[f] = true
			former = append(former, f)
		}
	}
	return slices.Clip(former)
}
