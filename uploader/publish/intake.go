package publish

import (
	"slices"
	"time"

	"ems-sidecar/media"
)

// LateSettle is how long a chunk that EMS changes once more, when two more are whole, waits for that. It is uploaded then
// as it is: the last two of a stream never change.
const LateSettle = time.Minute

// startHold is how long a manifest waits that names nothing to play yet. When a DASH stream starts anew, EMS
// rewrites its init segments a few milliseconds after the manifest that names them.
const startHold = time.Second

// absentGrace is how long a file that a manifest names, but that was never there, may take to appear: EMS writes the
// first manifest of a DASH stream before the init segments.
const absentGrace = 2 * time.Second

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
		s.lose(f, "file cannot be published", why)
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

// ManifestRead applies what the manifest p held at one closing. at is where it is, if that matters.
func (s *Schedule) ManifestRead(src *Source, p string, r Reading, at *Place, now time.Time) {
	defer s.touchPath(src, p)
	s.manifestClosed(src, p, r, now)
	s.seen(src, p, at, now)
}

func (s *Schedule) manifestClosed(src *Source, p string, r Reading, now time.Time) {
	f := s.file(src, p)
	m, snap := f.manifest, r.snapshot()
	defer r.letGo()
	f.disk.closed()
	f.work.failures = 0
	delete(s.rereads, f)
	if r.files == nil && r.tooMuch == nil {
		r.tooMuch = s.tooMuch(m, r)
	}
	if s.refused(m, r, now) {
		return
	}
	if why := f.keyProblem(); why != "" {
		s.lose(f, "manifest cannot be published", why)
		return
	}
	snap.manifest, snap.refs = m, r.files
	if r.files == nil {
		for _, p := range r.References {
			snap.refs = append(snap.refs, s.file(src, p))
		}
	}
	if known := m.newest(); known != nil && known.sum == snap.sum && slices.Equal(known.refs, snap.refs) {
		// EMS writes it twice, or another run says the same.
		known.modTime = snap.modTime
		if known.held = known.held && now.Sub(known.readAt) < startHold; known.held {
			s.reread(f, known.readAt.Add(startHold))
		}
		known.verify(r.OnDisk, now)
		s.expect(src, known.refs, now)
		if m.astray && known == m.published {
			m.astray, known.content = false, snap.content
			m.again()
		}
		return
	}
	if m.wentBack(snap) {
		s.warnPerFile(f.stream, "playlist went back", "key", f.key(), "sequence", snap.parsed.Sequence,
			"known", m.newest().parsed.Sequence, "next", "it is ignored until it moves on")
		s.figures.failures++
		for _, r := range snap.refs {
			src.forgetIfUnused(r)
		}
		return
	}
	if snap.outside != "" && snap.outside != m.outside {
		m.outside = snap.outside
		s.log.Warn("manifest names a file outside of the root, which is never published", "stream", f.stream.name,
			"key", f.key(), "uri", snap.outside, "next", "the manifest does not wait for it")
	}
	snap.verify(r.OnDisk, now)
	snap.generation = src.generation - 1 // so that ready looks at every reference
	if src.traits.InitsLate && snap.parsed.Segments == 0 {
		snap.held = true
		s.reread(f, now.Add(startHold))
	}
	snap.anew = m.startsAnew(snap)
	if j, passed := snap.jumpFrom(m.newest(), now); passed {
		s.jumps = append(s.jumps, j)
	}
	m.add(snap)
	snap.promise()
	var last *stream
	for _, r := range snap.refs {
		if r.stream != last {
			r.stream.isNamedBy(m)
		}
		last = r.stream
	}
	s.expect(src, snap.refs, now)
}

// mean takes in which versions of its references s means: those on disk when it was read, or, of a chunk that was still being
// written then, when the same was read again.
func (s *snapshot) mean(onDisk []media.Version) {
	if s.onDisk == nil {
		s.onDisk = onDisk
		return
	}
	for i, v := range onDisk {
		if r := s.refs[i]; !r.disk.version.Equal(s.onDisk[i]) && !r.bucket.version.Equal(s.onDisk[i]) {
			s.onDisk[i] = v
		}
	}
}

// verify compares what the bucket has of the references with what is on disk: names may have come back with other
// content, of which no closing was reported yet.
func (s *snapshot) verify(onDisk []media.Version, now time.Time) {
	s.mean(onDisk)
	for i, v := range onDisk {
		r := s.refs[i]
		if r.manifest != nil || v == (media.Version{}) {
			if r.manifest == nil && i >= s.others && r.disk.version == (media.Version{}) {
				r.disk.nameGone() // segments are there before what names them: one that comes now is another run's
			}
			continue
		}
		r.disk.sawOpen(v)
		shown := r.src.traits.PatchesLate && r.naming.shown > 0 // viewers can play the one before
		if !r.bucket.isConfirmed() || v.Equal(r.bucket.version) || shown {
			continue
		}
		r.outdated(now)
		if !r.disk.version.Equal(v) {
			r.disk.contentGone()
		}
	}
}

// expect asks for those of refs, which a manifest names, of which it is not known that they are on disk or
// in the bucket.
func (s *Schedule) expect(src *Source, refs []*file, now time.Time) {
	var unknown []string
	for _, r := range refs {
		if r.work.pause.isForPatch() {
			r.work.pause.until = earlier(r.work.pause.until, r.patchAt(r.disk.version.ModTime, now))
		}
		switch {
		case r.bucket.isSettled() || r.disk.isWhole():
		case r.keyProblem() != "":
			s.lose(r, "file cannot be published", r.keyProblem())
		case r.work.state == idle:
			unknown = append(unknown, r.path)
		}
	}
	if len(unknown) > 0 {
		src.expect(unknown...)
	}
}

// Removed applies that the name p is gone from the disk, and that nothing of it is kept. If perhaps is set,
// that may be only because the root is gone.
func (s *Schedule) Removed(src *Source, p string, perhaps bool, now time.Time) {
	defer s.touchPath(src, p)
	s.left(src, p, now)
	if perhaps {
		s.removedPerhaps(src, p, now)
	} else {
		s.removed(src, p)
	}
}

func (s *Schedule) removed(src *Source, p string) {
	f, ok := src.files[p]
	if !ok {
		return
	}
	f.disk.nameGone()
	f.disk.seen = media.Version{}
	switch {
	case f.manifest != nil:
		return // what was read of it is still to be published (R5)
	case f.bucket.isConfirmed() || f.work.state == inFlight:
	case f.disk.isWhole() && f.work.state == queued: // its upload finds the content in the spool, if there is any (R6)
		if f.work.pause.isForPatch() {
			f.work.pause = pause{} // EMS changes no file that it deleted
		}
	default:
		s.missing(f)
	}
	src.forgetIfUnused(f)
}

// ManifestUnreadable has the manifest p, which cannot be read now, reported again later: if it was
// the stream's last one, no closing will.
func (s *Schedule) ManifestUnreadable(src *Source, p string, err error, now time.Time) {
	f := s.file(src, p)
	f.work.failures++
	s.figures.failures++
	wait := s.jitter.backoff(f.work.failures+2, localRetryCap)
	s.reread(f, now.Add(wait))
	s.log.Warn("manifest cannot be read", "root", src.root, "stream", f.stream.name, "key", f.key(), "err", err,
		"attempt", f.work.failures, "next", "it is read again", "retry_in", wait.Round(time.Millisecond))
}

// Absent applies that p, which a manifest names or which was to be read again, is not on disk, and not kept
// either. If perhaps is set, that may be only because the root is gone.
func (s *Schedule) Absent(src *Source, p string, perhaps bool, now time.Time) {
	defer s.touchPath(src, p)
	if perhaps {
		s.absentPerhaps(src, p, now)
	} else {
		s.absent(src, p)
	}
}

func (s *Schedule) absent(src *Source, p string) {
	f, ok := src.files[p]
	if !ok {
		return
	}
	if f.manifest != nil {
		f.disk.nameGone()
		for _, w := range f.manifest.waiting {
			w.held = false
		}
	}
	f.disk.seen = media.Version{}
	if !f.bucket.isSettled() && f.work.state == idle {
		f.disk.nameGone()
		s.missing(f)
	}
}

// awayRetry is how long a file waits that is not there because the root is not, perhaps, before it is asked for again.
const awayRetry = 10 * time.Second

func (s *Schedule) removedPerhaps(src *Source, p string, now time.Time) {
	if f, ok := src.files[p]; ok && f.manifest == nil && !f.bucket.isConfirmed() && f.work.state == idle {
		s.reread(f, now.Add(awayRetry))
		return
	}
	s.removed(src, p)
}

func (s *Schedule) absentPerhaps(src *Source, p string, now time.Time) {
	if f, ok := src.files[p]; ok {
		s.reread(f, now.Add(awayRetry))
	}
}

// missing handles a file that is not on disk and not confirmed. If a manifest names it, the bucket is
// asked for it: an earlier run may have uploaded it.
func (s *Schedule) missing(f *file) {
	f.disk.contentGone()
	if f.naming.now == 0 && f.manifest == nil {
		f.work.state = idle
		s.loseChunk(f, "it was deleted from the disk before it could be uploaded")
		return
	}
	f.work.task, f.work.pause = Look, pause{}
	f.stream.enqueue(f)
}

// lose gives up a file that can never arrive: no manifest waits for it any longer.
func (s *Schedule) lose(f *file, what, why string) {
	known := f.bucket.isLost()
	f.bucket.lost()
	f.release(Lost)
	if known {
		return
	}
	s.figures.lost++
	next := "it stays out of the bucket; no manifest names it"
	if f.naming.now > 0 {
		next = "the manifest that names it no longer waits for it"
	}
	s.warnPerFile(f.stream, what, "key", f.key(), "err", why, "next", next)
}

// maxWarnings bounds, for each stream and minute, the warnings that can come once per file.
const maxWarnings = 5

func (s *Schedule) warnPerFile(st *stream, msg string, attrs ...any) {
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
