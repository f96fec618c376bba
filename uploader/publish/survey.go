package publish

import (
	"iter"
	"path"
	"slices"
	"time"
)

// A Survey asks the bucket which manifests it has in some directories that this run knows nothing
// of: an earlier run has published them, and they were deleted from the disk before this one read
// them. What they name is not deleted.
type Survey struct {
	Dirs  []string        // below the root
	Known map[string]bool // manifests in them of which the schedule knows what they name
	epoch int             // of the retention

	Streams []string        // directories whose archives and clips are read
	Files   map[string]bool // in those: paths of which it is to be known whether they are named there
	Since   time.Time       // when the first of these was written: what is older names none of them
}

// An Inherited is a manifest of an earlier run.
type Inherited struct {
	Path    string
	Reading *Reading // nil: it cannot be read, and may name anything in its directory and below
}

// unsurveyed returns the directories that may have a manifest in the bucket which names p, and that
// were not surveyed yet.
func (r *retention) unsurveyed(p string) (dirs []string) {
	for dir := r.src.layout.Stream(p); ; dir = path.Dir(dir) {
		if !r.surveyed[dir] {
			dirs = append(dirs, dir)
		}
		if dir == "." {
			return dirs
		}
	}
}

// forgets applies that f, a manifest, is forgotten: if the bucket has it, its directory has to be
// surveyed again.
func (r *retention) forgets(f *file) {
	if m := f.manifest; f.bucket.isConfirmed() || f.bucket.inDoubt || !m.copy.isSettled() {
		delete(r.surveyed, path.Dir(f.path))
		r.epoch++
	}
}

// isKnown reports whether the schedule knows what the bucket's copy of m names, or is to publish
// another one before long.
func (m *manifest) isKnown() bool {
	return m.published != nil || m.errand.snapshot != nil || len(m.waiting) > 0 ||
		m.file.disk.isWhole()
}

// isOpaque reports whether the bucket has a manifest m and it is unknown what it names.
func (m *manifest) isOpaque() bool { return m.file.bucket.isConfirmed() && !m.isKnown() }

// newSurvey returns the survey of dirs, and of the archives of streams.
func (s *Schedule) newSurvey(r *retention, dirs, archives []string) *Survey {
	slices.Sort(dirs)
	slices.Sort(archives)
	v := &Survey{Dirs: slices.Compact(dirs), Known: make(map[string]bool), epoch: r.epoch}
	for _, dir := range v.Dirs {
		for m := range s.manifestsOf(r.src, dir) {
			if m.isKnown() {
				v.Known[m.file.path] = true
			}
		}
	}
	s.toSurvey(v, r.src, slices.Compact(archives))
	return v
}

// surveyDone applies what the bucket has of earlier runs.
func (s *Schedule) surveyDone(r Result, now time.Time) {
	rt := r.Source.retention
	rt.inFlight, rt.checkAt = false, now
	for _, in := range r.Inherited {
		s.adopt(r.Source, in, now)
	}
	s.Archived(r.Source, r.Archived)
	for _, stream := range r.ArchivesRead {
		rt.archives[stream] = true
	}
	for _, dir := range r.Surveyed {
		if r.Survey.epoch == rt.epoch { // else one that was known may not be any more
			rt.surveyed[dir] = true
		}
	}
	if r.Failure == NoFailure {
		rt.failures = 0
		return
	}
	s.figures.failures++
	rt.failures++
	wait := s.settings.Jitter.After(rt.failures, backoffBase, backoffCap)
	if r.Failure.refused() {
		wait = RefusedProbe
	}
	rt.surveyAt = now.Add(wait)
	s.log.Warn("objects are not deleted: the bucket does not tell which manifests may name them",
		"bucket", r.Source.dest.Bucket, "err", r.Err, "attempt", rt.failures,
		"next", "tried again", "retry_in", wait.Round(time.Millisecond))
}

// manifestsIn yields the manifests in a directory, of all formats of the family.
func (src *Source) manifestsIn(dir string) iter.Seq[*manifest] {
	return func(yield func(*manifest) bool) {
		for _, o := range src.family.sources {
			for m := range src.schedule.manifestsOf(o, dir) {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// manifestsOf yields the manifests of src in a directory.
func (s *Schedule) manifestsOf(src *Source, dir string) iter.Seq[*manifest] {
	return func(yield func(*manifest) bool) {
		home := s.streams[streamKey{src: src, name: dir}]
		if home == nil {
			return
		}
		for i := -1; i < len(home.sharing.parts); i++ {
			st := home
			if i >= 0 {
				st = home.sharing.parts[i]
			}
			for _, m := range st.manifests {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// An inquiry is what is to be surveyed next.
type inquiry struct{ dirs, archives []string }

func (a inquiry) isEmpty() bool { return len(a.dirs)+len(a.archives) == 0 }

// askAbout has it surveyed what may name f, by manifests of all formats of the family. It reports false
// if that is known.
func (s *Schedule) askAbout(f *file, now time.Time) (asked bool) {
	for _, o := range f.src.family.sources {
		r := s.retentionOf(o)
		dirs := r.unsurveyed(f.path)
		stream, unread := s.unsurveyedArchive(r, f, now)
		if len(dirs) == 0 && !unread {
			continue
		}
		asked = true
		if len(r.asking.dirs)+len(r.asking.archives) < surveyBatch {
			r.asking.dirs = append(r.asking.dirs, dirs...)
			if unread {
				r.asking.archives = append(r.asking.archives, stream)
			}
		}
		if o != f.src { // else it is being looked at
			r.checkAt = earlier(r.checkAt, now.Add(o.dest.DeletionInterval()))
		}
	}
	return asked
}

// adopt counts a manifest that an earlier run has published as published.
func (s *Schedule) adopt(src *Source, in Inherited, now time.Time) {
	f := s.file(src, in.Path)
	m := f.manifest
	if m.isKnown() {
		return // read from the disk meanwhile
	}
	defer s.touch(f.stream)
	f.bucket.published()
	f.disk.nameGone()
	m.publishedAt = now
	if in.Reading == nil {
		s.log.Warn("nothing is deleted beside a manifest of the bucket that cannot be read",
			"stream", f.stream.shown(), "key", f.key(), "next", "what it may name stays in the bucket",
			"hint", "delete it from the bucket if it is not needed any more")
		return
	}
	snap := in.Reading.snapshot()
	snap.manifest, m.published = m, snap
	for _, p := range in.Reading.References {
		ref := s.file(src, p)
		ref.naming.now++
		ref.naming.shown++
		ref.stream.noteNamedBy(m)
		snap.refs = append(snap.refs, ref)
	}
}

// mayBeNamedAbove reports whether the bucket has a manifest, in the directory of f's stream or
// above, that cannot be read.
func (s *Schedule) mayBeNamedAbove(f *file) bool {
	for dir := f.stream.name; ; dir = path.Dir(dir) {
		for m := range f.src.manifestsIn(dir) {
			if m.file != f && m.isOpaque() {
				return true
			}
		}
		if dir == "." {
			return false
		}
	}
}
