package publish

import (
	"slices"
	"time"
)

// A deletion of so many objects is worth a line of its own.
const deletionBurst = 50

// A Removal is one object of a job that deletes some. The job sets Finding, Failure and Err.
type Removal struct {
	Path   string // of the file, below the root
	Key    string
	Place  *Place // where the file was
	Others []Other

	Finding Finding
	Failure Failure // why it is not deleted
	Err     error   // for the log

	file  *file
	doubt bool // whether there was an object was unknown before, because an earlier deletion had no answer
}

// An Other is a file of another source that has the same key.
type Other struct {
	Source *Source
	Path   string
}

// beginRemoval counts f as absent from now on, so that no manifest that names it is published, and
// nothing be sent under its name until that is over.
func (f *file) beginRemoval(now time.Time) {
	f.work.state = inFlight
	f.outdated(now)
	if m := f.manifest; m != nil {
		m.errand, m.published = errand{deleting, m.published}, nil
	}
}

// isOver reports whether the delay has passed since the name went, and since a manifest named it.
func (d *departure) isOver(delay time.Duration, now time.Time) bool {
	return now.Sub(d.since) >= delay && now.Sub(d.namedAt) >= delay && !now.Before(d.tryAt)
}

// removalDone applies the result of a job that deletes objects.
func (s *Schedule) removalDone(r Result, now time.Time) {
	rt := r.Source.retention
	rt.inFlight = false
	var gone, strayed, kept []*file
	manifests := false
	for _, rm := range r.Removals {
		f := rm.file
		defer s.touch(f.stream)
		f.work.state = idle
		switch {
		case rm.Finding == Elsewhere:
			f.stays(rm.doubt)
			f.gone.state = present
			strayed = append(strayed, f)
		case rm.Finding == Undecided:
			f.stays(rm.doubt)
		case rm.Failure == NoAnswer:
			f.staysPerhaps(now)
			kept = append(kept, f)
		case rm.Failure != NoFailure:
			f.stays(rm.doubt)
			kept = append(kept, f)
			if rm.Failure.refused() {
				f.gone.tryAt = now.Add(RefusedProbe)
			}
		default:
			gone = append(gone, f)
			manifests = manifests || f.manifest != nil
			s.objectDeleted(f, now)
			s.step(f, StageDeleted)
			s.log.Debug("deleted from the bucket, as from the disk", "stream", f.stream.shown(), "key", f.key())
		}
		s.goOnWith(f, now)
	}
	s.figures.deleted += int64(len(gone))
	if n := len(gone); n >= deletionBurst || manifests {
		s.log.Info("objects deleted, as their files were", "bucket", r.Source.dest.Bucket, "count", n,
			"one_of_them", gone[0].key(),
			"took", rounded(now.Sub(r.Started)))
	}
	if n := len(strayed); n > 0 {
		s.log.Warn("files vanished with their directory or disk, which is no deletion", "bucket", r.Source.dest.Bucket,
			"count", n,
			"one_of_them", strayed[0].key(), "next", "their objects stay in the bucket")
	}
	s.noteRoot(r)
	s.noteKept(rt, r, gone, kept, now)
}

// noteRoot logs, once, that the root is not there.
func (s *Schedule) noteRoot(r Result) {
	if r.NoRoot != nil && !r.Source.told.noRoot {
		s.log.Warn("nothing is deleted from the bucket while the root is not there", "root", r.Source.root, "err", r.NoRoot,
			"next", "tried again")
	}
	r.Source.told.noRoot = r.NoRoot != nil
}

// noteKept logs what the store did not delete, and has it tried again.
func (s *Schedule) noteKept(rt *retention, r Result, gone, kept []*file, now time.Time) {
	if len(kept) == 0 {
		if len(gone) > 0 {
			rt.failures = 0
		}
		return
	}
	s.figures.failures++
	rt.failures++
	wait := s.settings.Jitter.After(rt.failures, backoffBase, backoffCap)
	if r.Failure.refused() {
		wait = RefusedProbe
	}
	if len(gone) == 0 {
		rt.checkAt = now.Add(wait)
	}
	s.report(objectsUndeletable, kept[0].stream, "bucket", r.Source.dest.Bucket, "key", kept[0].key(), "count", len(kept),
		"err", r.Err, "attempt", rt.failures, "next", "tried again", "retry_in", wait.Round(time.Millisecond))
}

// stays applies that the bucket has the object as before, unless that was in doubt then.
func (f *file) stays(doubt bool) {
	if !doubt && !f.disk.hasOther(f.bucket.version) && !f.writtenAnew() {
		f.bucket.stays()
	}
	if m := f.manifest; m != nil {
		m.published, m.errand = m.errand.deleted(), errand{}
	}
}

// staysPerhaps applies that it is unknown whether the bucket has the object. A manifest that names
// it has to ask.
func (f *file) staysPerhaps(now time.Time) {
	if f.gone.hasLeft() && !f.writtenAnew() {
		f.bucket.staysPerhaps()
		f.disk.contentGone()
	}
	m := f.manifest
	if m != nil {
		m.published, m.errand = m.errand.deleted(), errand{}
		m.copy.trust = outdated // should it be written once more, it is published, whatever it says
	}
	if !f.gone.hasLeft() {
		f.lateDeletion(now)
	}
}

// lateDeletion applies that f is back, while a deletion of its object may still be applied.
func (f *file) lateDeletion(now time.Time) {
	if f.manifest != nil {
		f.manifest.copy.lostSight(now)
	} else {
		f.bucket.late.begin(now)
	}
}

// objectDeleted applies that the bucket has no object of f any more.
func (s *Schedule) objectDeleted(f *file, now time.Time) {
	f.gone.unlisted()
	f.bucket.inDoubt = false
	m := f.manifest
	if m == nil {
		return
	}
	if gone := m.errand.deleted(); gone != nil {
		for r := range gone.named() {
			r.stream.cleared = r.stream.cleared || r.manifest == nil // what a child playlist names, its parent does not tell
		}
		gone.shownUntil(now)
		gone.retire()
	}
	m.errand = errand{}
	m.line.vanish()
}

// writtenAnew reports whether content was closed that the bucket never had: on the disk, or in the
// spool.
func (f *file) writtenAnew() bool {
	return f.manifest == nil && f.disk.isWhole() && !f.disk.version.Equal(f.bucket.version)
}

// goOnWith does with f what had to wait for the end of its object's deletion.
func (s *Schedule) goOnWith(f *file, now time.Time) {
	back := !f.gone.hasLeft() && !f.disk.isNameGone()
	switch m := f.manifest; {
	case m == nil && f.disk.isWhole() && (back || f.writtenAnew()):
		if f.bucket.has(f.disk.version) {
			return
		}
		if f.bucket.isConfirmed() {
			f.outdated(now)
		}
		f.work.task = PutChunk
		f.stream.enqueue(f)
	case back, f.bucket.isConfirmed():
	case f.naming.now > 0:
		s.missing(f) // a manifest came to name it meanwhile
	case m != nil && f.gone.state != listed && len(m.waiting) == 0:
		f.disk.contentGone()
		f.stream.manifests = slices.DeleteFunc(f.stream.manifests, func(o *manifest) bool { return o == m })
		f.src.forget(f)
	}
	f.src.forgetIfUnused(f)
}
