package publish

import (
	"time"

	"ems-sidecar/media"
)

// LateSettle is how long a chunk that EMS changes once more, when two more are whole, waits for that. It is uploaded then
// as it is: the last two of a stream never change.
const LateSettle = time.Minute

// Closed applies that the file p, which is no manifest, is whole on disk in version v. kept says that it is
// kept for src from then on, until it is released. at is where it is, if that matters.
func (s *Schedule) Closed(src *Source, p string, v media.Version, kept bool, at *Place, now time.Time) {
	defer s.touchPath(src, p)
	s.chunkClosed(src, p, v, now)
	if kept {
		s.keptUnnamed(src, p, v, now)
	}
	s.seen(src, p, at, now)
}

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
		src.generation++
	}
	before := f.disk
	f.disk.closed()
	f.disk.seen = media.Version{}
	f.stream.isWhole(f)
	if !named && !src.bulk() && !s.predates(v, now) {
		defer f.stream.closedUnlisted(f) // in version v
	}
	if f.bucket.has(v) {
		src.release(p, v, Arrived) // it was kept again when it was reported again
	}
	if f.bucket.has(v) || before.isWhole() && before.version.Equal(v) && f.work.isSending() {
		f.disk.version = v
		return
	}
	patched := src.traits.PatchesLate
	if f.bucket.isConfirmed() && !(patched && f.naming.shown > 0) { // viewers have the unpatched one already, and can play it
		f.outdated(now)
	}
	former := before.version
	if former == (media.Version{}) {
		former = s.unnamed[unnamedFile{src, p}].version
	}
	if known := former != (media.Version{}); src.traits.ReusesNames && (known && !former.Equal(v) || !known && before.isNameGone()) {
		f.bucket.changedAt = now
	}
	var promised time.Time // that it waits no longer for its last change
	if f.work.pause.isForPatch() {
		promised = f.work.pause.until
	}
	f.disk.version = v
	f.work.pause, f.work.failures = pause{}, 0
	f.disk.writtenAt = v.ModTime
	if f.disk.writtenAt.After(now) || now.Sub(f.disk.writtenAt) > time.Minute {
		f.disk.writtenAt = now // found by a scan, or another machine's clock
	}
	if f.work.state == inFlight {
		return // its outcome tells what is to be done
	}
	f.work.task, f.work.candidate = PutChunk, nil
	if src.bulk() {
		f.work.task = Look // gigabytes are not sent again because the daemon was started again
	}
	old := !src.bulk() && !f.bucket.other && s.predates(v, now)
	if at := earlier(f.patchAt(v.ModTime, now), promised); !f.isPatched() && now.Before(at) {
		if old {
			f.work.task = Compare
		}
		f.stream.delay(f, pause{at, forPatch})
		return
	}
	if old {
		f.stream.compareLater(f, now)
		return
	}
	f.stream.enqueue(f)
}
