package publish

import (
	"time"

	"ems-sidecar/internal/clock"
	"ems-sidecar/media"
)

// LateSettle is how long an MSS chunk waits for its last change at most. The last two of a stream
// never get it.
const LateSettle = time.Minute

// Closed applies that the file p, which is no manifest, is whole on disk in version v. kept says
// that it is kept for src from then on, until it is released. at is where it is, if that matters.
func (s *Schedule) Closed(src *Source, p string, v media.Version, kept bool, at *Place, now time.Time) {
	if !src.owns(p) {
		s.notOwned(src, p, v)
		return
	}
	defer s.touchPath(src, p, src.streamOf(p))
	s.chunkClosed(src, p, v, now)
	if kept {
		s.keptUnnamed(src, p, v, now)
	}
	s.seen(src, p, at, now)
}

// chunkClosed decides what the closing of p means: nothing, a loss, or work.
func (s *Schedule) chunkClosed(src *Source, p string, v media.Version, now time.Time) {
	f := src.files[p]
	named := f != nil && f.naming.now > 0
	if !named && !IsChunk(src.layout, p, v) {
		return
	}
	if f == nil {
		f = s.file(src, p)
	}
	if why := f.keyProblem(); why != "" {
		f.disk.version = v
		s.lose(f, fileUnpublishable, why)
		return
	}
	if f.bucket.found() {
		src.family.generation++
	}
	before := f.disk
	f.disk.closedAs(v)
	if named || src.layout.Kind(p).Role != media.SideFile { // which says nothing of how the stream fares
		f.stream.noteWhole(f)
		s.noteChunk(f, v, now)
		if !named && !src.bulk() && !s.predates(v, now) {
			f.stream.closedUnlisted(f)
		}
	}
	if f.bucket.has(v) {
		src.release(p, v, Arrived) // it was kept again when it was reported again
		return
	}
	if !f.isOnItsWay(before, v) {
		s.contentCame(f, before, now)
	}
}

// contentCame has the content of f sent that was closed, and is not on its way yet. The disk had before.
func (s *Schedule) contentCame(f *file, before onDisk, now time.Time) {
	s.noteOtherContent(f, before, now)
	f.disk.writtenAt = clock.Moment(f.disk.version.ModTime, now)
	if f.disk.writtenAt.After(now) || now.Sub(f.disk.writtenAt) > time.Minute {
		f.disk.writtenAt = now // found by a scan, or another machine's clock
	}
	f.naming.listed, f.work.attempts = false, 0
	s.stepClosed(f)
	s.queueClosed(f, now)
	if s.predates(f.disk.version, now) {
		f.src.family.forgetArchives(f.stream) // they were not asked about this one
	}
}

// isOnItsWay reports whether v of f was queued or in flight already; before is its state before
// this closing.
func (f *file) isOnItsWay(before onDisk, v media.Version) bool {
	return before.isWhole() && before.version.Equal(v) && f.work.isSending()
}

// noteOtherContent notes that f, of which the disk had before, was closed with other content.
func (s *Schedule) noteOtherContent(f *file, before onDisk, now time.Time) {
	traits := f.traits()
	// Viewers have the chunk before its last change already, and can play it.
	if f.bucket.isConfirmed() && !(traits.PatchesLate && f.naming.shown > 0) {
		f.outdated(now)
	}
	if !f.returns() {
		return
	}
	former := before.version
	if former == (media.Version{}) {
		former = s.unnamed[unnamedFile{f.src, f.path}].version
	}
	isOther := !former.Equal(f.disk.version)
	if former == (media.Version{}) {
		isOther = before.isNameGone()
	}
	if isOther {
		f.bucket.changedAt = now
	}
}

// queueClosed queues f, which was closed, unless it is in flight: then its result tells what is to
// be done.
func (s *Schedule) queueClosed(f *file, now time.Time) {
	var promised time.Time // that it waits no longer for its last change
	if f.work.pause.isForPatch() {
		promised = f.work.pause.until
	}
	f.work.pause, f.work.failures = pause{}, 0
	if f.work.state == inFlight {
		return
	}
	src, written := f.src, f.disk.version.ModTime
	old := !src.bulk() && !f.bucket.other && s.predates(f.disk.version, now)
	f.work.task, f.work.candidate = PutChunk, nil
	switch at := earlier(f.patchAt(written, now), promised); {
	case src.bulk():
		f.work.task = Look // gigabytes are not sent again because the daemon was started again
		f.stream.enqueue(f)
	case !f.isPatched() && now.Before(at):
		if old {
			f.work.task = Compare
		}
		f.stream.delay(f, pause{at, forPatch})
	case old:
		f.stream.compareLater(f, now)
	default:
		f.stream.enqueue(f)
	}
}
