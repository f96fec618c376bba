package publish

import (
	"slices"
	"time"

	"ems-sidecar/media"
)

// startHold is how long a manifest waits that names nothing to play yet. When a DASH stream is
// restarted, EMS rewrites its init segments a few milliseconds after the manifest that names them.
const startHold = time.Second

// ManifestRead applies what the manifest p held at one closing. at is where it is, if that matters.
func (s *Schedule) ManifestRead(src *Source, p string, r Reading, at *Place, now time.Time) {
	defer s.touchPath(src, p, src.streamOf(p))
	s.manifestClosed(src, p, r, now)
	s.seen(src, p, at, now)
}

func (s *Schedule) manifestClosed(src *Source, p string, r Reading, now time.Time) {
	src.manifestFit(p)
	f := s.file(src, p)
	m, snap := f.manifest, r.snapshot()
	defer r.letGo()
	if m.published == nil && len(m.waiting) == 0 {
		src.family.generation++ // master playlists that would go without it wait for it after all
		s.touchVariants(m)      // and they for what the bucket has of it
	}
	f.disk.closed()
	f.work.failures = 0
	delete(s.again.files, f)
	if r.files == nil && r.tooMuch == nil {
		r.tooMuch = s.tooMuch(m, r)
	}
	if s.refused(m, r, now) {
		return
	}
	if why := f.keyProblem(); why != "" {
		s.lose(f, manifestUnpublishable, why)
		return
	}
	if r.Names != nil {
		m.names = r.Names
	}
	snap.manifest, snap.refs = m, s.filesOf(src, r)
	switch known := m.newest(); {
	case snap.repeats(known):
		f.stream.vitals.accepts()
		s.readAlike(known, snap, r.OnDisk, now)
	case m.wentBack(snap):
		s.ignoreOlder(snap, known, now)
	default:
		f.stream.vitals.accepts()
		snap.verify(r.OnDisk, now)
		s.addSnapshot(snap, now)
	}
}

// filesOf returns the files that r references.
func (s *Schedule) filesOf(src *Source, r Reading) []*file {
	if r.files != nil {
		return r.files // which Prepare has made
	}
	var files []*file
	for _, p := range r.References {
		files = append(files, s.file(src, p))
	}
	return files
}

// repeats reports whether s says what known does, of the same content. known may be nil.
func (s *snapshot) repeats(known *snapshot) bool {
	return known != nil && known.sum == s.sum && slices.Equal(known.refs, s.refs) && !s.rewrites(known)
}

// ignoreOlder applies that snap is older than known, the newest one.
func (s *Schedule) ignoreOlder(snap, known *snapshot, now time.Time) {
	f := snap.manifest.file
	s.report(wentBack, f.stream, "key", f.key(), "sequence", snap.parsed.Sequence,
		"known", known.parsed.Sequence, "next", "it is ignored until it moves on")
	s.figures.failures++
	f.stream.vitals.refuses(f.key()+" is older than the one before it", now)
	for _, r := range snap.refs {
		f.src.forgetIfUnused(r)
	}
}

// readAlike applies that a manifest was read again with the content of known, the newest one: EMS
// writes some twice, or another run says the same.
func (s *Schedule) readAlike(known, again *snapshot, onDisk []media.Version, now time.Time) {
	m := known.manifest
	known.origin.modTime = again.origin.modTime
	if known.held = known.held && now.Sub(known.origin.readAt) < startHold; known.held {
		s.reread(m.file, known.origin.readAt.Add(startHold))
	}
	known.verify(onDisk, now)
	s.expect(m.file.src, known.refs, now)
	if m.copy.trust == outdated && known == m.published {
		m.copy.trust, known.own.content = doubtful, again.own.content
		known.basis = basis{} // its edition is made again
		m.again()
	}
}

// addSnapshot adds snap, which is new, to those that wait.
func (s *Schedule) addSnapshot(snap *snapshot, now time.Time) {
	m := snap.manifest
	f, src := m.file, m.file.src
	s.tellOfReferences(snap)
	snap.lookAgain()
	if snap.traits().InitsLate && snap.parsed.Segments == 0 {
		snap.held = true
		s.reread(f, now.Add(startHold))
	}
	m.placeInRun(snap)
	if j, passed := snap.jumpFrom(m.newest(), now); passed {
		s.jumps = append(s.jumps, j)
	}
	m.line.endAt, m.line.over, m.line.withdrawn = time.Time{}, false, false
	s.noteNeighbours(snap, now)
	s.claim(snap, now)
	m.add(snap)
	s.stepRead(snap)
	snap.promise()
	var last *stream
	for _, r := range snap.refs {
		if r.stream != last {
			r.stream.noteNamedBy(m)
		}
		last = r.stream
	}
	s.expect(src, snap.refs, now)
}

// tellOfReferences logs, once, what snap names and does not wait for.
func (s *Schedule) tellOfReferences(snap *snapshot) {
	m, f := snap.manifest, snap.manifest.file
	if snap.outside != "" && snap.outside != m.told.outside {
		m.told.outside = snap.outside
		s.log.Warn("manifest names a file outside of the root, which is never published", "stream", f.stream.shown(),
			"key", f.key(), "uri", snap.outside, "next", "the manifest does not wait for it")
	}
	if uri := snap.parsed.Unresolved; uri != "" && m.told.unresolved == "" {
		m.told.unresolved = uri
		s.log.Warn("manifest names a file by a variable whose value it does not have", "stream", f.stream.shown(),
			"key", f.key(), "uri", uri, "next", "the manifest does not wait for such files")
	}
	if p := snap.parsed.Unordered; p != "" && m.told.unordered == "" {
		m.told.unordered = p
		s.log.Warn("manifest does not tell which segments exist, and their names do not tell it either",
			"stream", f.stream.shown(), "key", f.key(), "pattern", p, "next", "the manifest does not wait for them",
			"hint", "set a template with a SegmentTimeline, or with one $Number$ in the name of the file")
	}
}

// placeInRun notes which run of the stream snap is of, and what is known of that run.
func (m *manifest) placeInRun(snap *snapshot) {
	known, o := m.newest(), &snap.origin
	o.scanned = known == nil && m.line.shown == nil
	o.isNewRun = m.startsNewRun(snap)
	if o.isNewRun {
		m.line.run++
		m.line.before = known.origin.modTime
	}
	o.run, o.before = m.line.run, m.line.before
	o.first = snap.parsed.Sequence
	if known != nil && !o.isNewRun {
		o.first = known.origin.first
		if snap.parsed.Began.IsZero() {
			snap.parsed.Began = known.parsed.Began // an end does not tell it
		}
	}
}

// mean notes which versions of its references s means: those on disk when it was read, or, of a
// chunk that was still being written then, when the same was read again.
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

// verify compares what the bucket has of the references with what is on disk: names may have come
// back with other content that was not reported as closed yet.
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
		shown := r.traits().PatchesLate && r.naming.shown > 0 // viewers can play the one before
		if !r.bucket.isConfirmed() || v.Equal(r.bucket.version) || shown {
			continue
		}
		r.outdated(now)
		if !r.disk.version.Equal(v) {
			r.disk.contentGone()
		}
	}
}

// expect asks for those of refs, which a manifest names, of which it is not known that they are on
// disk or in the bucket.
func (s *Schedule) expect(src *Source, refs []*file, now time.Time) {
	unknown := make(map[*Source][]string) // by the owner
	for _, r := range refs {
		if r.work.pause.isForPatch() {
			r.work.pause.until = earlier(r.work.pause.until, r.patchAt(r.disk.version.ModTime, now))
		}
		switch {
		case r.bucket.isSettled() || r.disk.isWhole():
		case r.keyProblem() != "":
			s.lose(r, fileUnpublishable, r.keyProblem())
		case r.work.state == idle:
			unknown[r.src] = append(unknown[r.src], r.path)
		}
	}
	for _, o := range src.family.sources {
		if len(unknown[o]) > 0 {
			o.expect(unknown[o]...)
		}
	}
}

// ManifestUnreadable has the manifest p, which cannot be read now, reported again later: if it was
// the stream's last one, no closing will.
func (s *Schedule) ManifestUnreadable(src *Source, p string, err error, now time.Time) {
	f := s.file(src, p)
	f.work.failures++
	s.figures.failures++
	f.stream.vitals.refuses(cannotRead(f, err), now)
	wait := s.settings.Jitter.After(f.work.failures+2, backoffBase, localRetryCap)
	s.reread(f, now.Add(wait))
	s.reportUnreadable(manifestUnreadable, f, err, "it is read again", wait)
}
