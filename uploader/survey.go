package uploader

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"ems-sidecar/media"
)

// surveyBatch is about how many directories one survey is of.
const surveyBatch = 100

// maxInherited is how many manifests of earlier runs are read in one directory of the bucket.
const maxInherited = 1000

// A survey asks the bucket which manifests it has in some directories that this run knows nothing
// of: an earlier run has published them, and they were deleted from the disk before this one read
// them. What they name is not deleted.
type survey struct {
	dirs  []string        // below the root
	known map[string]bool // manifests in them of which the schedule knows what they name
	epoch int             // of the retention
}

// An inherited is a manifest of an earlier run.
type inherited struct {
	path     string
	snapshot *snapshot // nil: it cannot be read, and may name anything in its directory and below
	refs     []string  // of the snapshot, paths below the root
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

// forgets takes in that f, a manifest, is forgotten: if the bucket has it, its directory has to be
// surveyed again.
func (r *retention) forgets(f *file) {
	if m := f.manifest; f.confirmed || f.gone.unsure || m.uncertain || m.doubted() {
		delete(r.surveyed, path.Dir(f.path))
		r.epoch++
	}
}

// isKnown reports whether the schedule knows what the bucket's copy of m names, or is to publish
// another one before long.
func (m *manifest) isKnown() bool {
	return m.published != nil || m.deleting != nil || m.inFlight != nil || len(m.waiting) > 0 ||
		m.file.closed
}

// isOpaque reports whether the bucket has a manifest m and nobody knows what it names.
func (m *manifest) isOpaque() bool { return m.file.confirmed && !m.isKnown() }

// newSurvey returns the survey of dirs.
func (s *schedule) newSurvey(r *retention, dirs []string) *survey {
	slices.Sort(dirs)
	v := &survey{dirs: slices.Compact(dirs), known: make(map[string]bool), epoch: r.epoch}
	for _, dir := range v.dirs {
		if st, ok := s.streams[streamKey{r.src, dir}]; ok {
			for _, m := range st.manifests {
				if m.isKnown() {
					v.known[m.file.path] = true
				}
			}
		}
	}
	return v
}

// survey reads the manifests in the job's directories of the bucket that are not known.
func (u *Uploader) survey(ctx context.Context, r *result) {
	for _, dir := range r.survey.dirs {
		err := u.surveyOne(ctx, r, dir)
		switch {
		case err == nil:
			r.surveyed = append(r.surveyed, dir)
		case r.err == nil:
			r.err = err // others may be read all the same
		}
		if ctx.Err() != nil || errors.Is(err, ErrBucket) {
			return
		}
	}
}

func (u *Uploader) surveyOne(ctx context.Context, r *result, dir string) error {
	src := r.src
	prefix := src.dest.Prefix
	below := prefix[:strings.LastIndexByte(prefix, '/')+1]
	if dir != "." {
		below = prefix + dir + "/"
	}
	var found []string
	err := src.dest.Store.List(ctx, below, "", func(key string, _ ObjectInfo) error {
		p, ours := strings.CutPrefix(key, prefix)
		if !ours || p == "" || src.layout.Kind(p).Role != media.ManifestFile || r.survey.known[p] {
			return nil
		}
		if found = append(found, p); len(found) > maxInherited {
			return fmt.Errorf("%q has more than %d manifests that are not on the disk", below, maxInherited)
		}
		return nil
	})
	for _, p := range found {
		if err == nil {
			err = u.inherit(ctx, r, p)
		}
	}
	return err
}

// inherit reads the manifest p from the bucket.
func (u *Uploader) inherit(ctx context.Context, r *result, p string) error {
	src := r.src
	content, found, err := src.dest.Store.Read(ctx, src.dest.Prefix+p, src.mostOf(p))
	refused := errors.Is(err, ErrPermanent) && !errors.Is(err, ErrBucket)
	switch {
	case err != nil && !refused:
		return err
	case err == nil && !found:
		return nil
	}
	in := inherited{path: p}
	// A bootstrap cannot be read without the F4M that names it, which may be another one's by now.
	if m, err := src.layout.Parse(p, content); err == nil && content != nil {
		in.refs = namedBy(p, m)
		in.snapshot = &snapshot{sum: sha256.Sum256(content), md5: md5Of(content),
			parsed: m.WithoutReferences(), readAt: time.Now()}
	}
	r.inherited = append(r.inherited, in)
	return nil
}

// namedBy returns the paths that the manifest p may name below the root.
func namedBy(p string, m media.Manifest) (refs []string) {
	seen := map[string]bool{"": true, p: true}
	for ref := range m.References() {
		literal, decoded, _ := media.Resolve(path.Dir(p), ref.URI)
		for _, q := range []string{literal, decoded} {
			if !seen[q] {
				seen[q] = true
				refs = append(refs, q)
			}
		}
	}
	return refs
}

// surveyDone takes in what the bucket has of earlier runs.
func (s *schedule) surveyDone(r result, now time.Time) {
	rt := r.src.retention
	rt.inFlight, rt.checkAt = false, now
	for _, in := range r.inherited {
		s.adopt(r.src, in, now)
	}
	for _, dir := range r.surveyed {
		if r.survey.epoch == rt.epoch { // else one that was known may not be any more
			rt.surveyed[dir] = true
		}
	}
	if r.err == nil {
		rt.failures = 0
		return
	}
	s.figures.failures++
	rt.failures++
	wait := s.jitter.backoff(rt.failures, backoffCap)
	if errors.Is(r.err, ErrPermanent) {
		wait = refusedProbe
	}
	rt.surveyAt = now.Add(wait)
	s.log.Warn("objects are not deleted: the bucket does not tell which manifests may name them",
		"bucket", r.src.dest.Bucket, "err", r.err, "attempt", rt.failures,
		"next", "tried again", "retry_in", wait.Round(time.Millisecond))
}

// adopt takes a manifest that an earlier run has published for published.
func (s *schedule) adopt(src *Source, in inherited, now time.Time) {
	f := s.file(src, in.path)
	m := f.manifest
	if m.isKnown() {
		return // read from the disk meanwhile
	}
	f.confirmed, f.removed = true, true
	m.publishedAt = now
	if in.snapshot == nil {
		s.log.Warn("nothing is deleted beside a manifest of the bucket that cannot be read",
			"stream", f.stream.name, "key", f.key(), "next", "what it may name stays in the bucket",
			"hint", "delete it from the bucket if it is not needed any more")
		return
	}
	in.snapshot.manifest, m.published = m, in.snapshot
	for _, p := range in.refs {
		ref := s.file(src, p)
		ref.named++
		ref.shown++
		ref.stream.isNamedBy(m)
		in.snapshot.refs = append(in.snapshot.refs, ref)
	}
}

// mayBeNamedAbove reports whether the bucket has a manifest, in the directory of f's stream or
// above, that nobody can read.
func (s *schedule) mayBeNamedAbove(f *file) bool {
	for dir := f.stream.name; ; dir = path.Dir(dir) {
		if st, ok := s.streams[streamKey{f.src, dir}]; ok {
			for _, m := range st.manifests {
				if m.file != f && m.isOpaque() {
					return true
				}
			}
		}
		if dir == "." {
			return false
		}
	}
}
