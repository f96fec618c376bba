package publish

import (
	"cmp"
	"iter"
	"path"
	"strings"
	"time"
)

// Obstacles are what keeps the files of a source from being read, as far as it is known.
type obstacles struct {
	unseen []Unseen         // as the caller told last
	unfit  map[string]unfit // manifests that cannot be used as they were read last, by path
	delay  time.Duration    // how late a closing may be seen
}

// maxUnfit is how many unfit manifests of one source are a reason for the state of its streams.
const maxUnfit = 100

// Unseen is what the watcher cannot see.
type Unseen struct {
	Dir   string // below the root, with all below it; "" is the root
	Why   string
	Since time.Time
}

// unfit is why a manifest cannot be used, and since when.
type unfit struct {
	why    string
	since  time.Time
	readAt time.Time // last
}

// Watched says what the watcher of src cannot see now, and how late it may see a closing.
func (s *Schedule) Watched(src *Source, unseen []Unseen, delay time.Duration) {
	src.obstacles.unseen, src.obstacles.delay = unseen, delay
}

// ManifestUnfit says that the manifest p cannot be used as it is.
func (s *Schedule) ManifestUnfit(src *Source, p string, why error, now time.Time) {
	s.figures.failures++
	all := &src.obstacles.unfit
	known, ok := (*all)[p]
	if !ok && len(*all) >= maxUnfit {
		return
	}
	if *all == nil {
		*all = make(map[string]unfit)
	}
	(*all)[p] = unfit{src.dest.Prefix + p + ": " + why.Error(), earlier(known.since, now), now}
}

// manifestFit forgets that p could not be used.
func (src *Source) manifestFit(p string) { delete(src.obstacles.unfit, p) }

// isConcernedBy reports whether the directory dir is that of st, above it or in it.
func (st *stream) isConcernedBy(dir string) bool {
	return dir == "" || dir == st.name || strings.HasPrefix(st.name, dir+"/") || strings.HasPrefix(dir, st.name+"/")
}

// unseen returns what keeps the watcher from seeing the files of st, the widest first. What a newer
// chunk of it was seen beside is none.
func (st *stream) unseen() (first Unseen) {
	for _, u := range st.src.obstacles.unseen {
		if st.isConcernedBy(u.Dir) && !st.vitals.chunk.After(u.Since) &&
			(first.Why == "" || cmp.Or(len(u.Dir)-len(first.Dir), strings.Compare(u.Dir, first.Dir)) < 0) {
			first = u
		}
	}
	return first
}

// unfit yields the unfit manifests that may be meant to name the chunks of st.
func (st *stream) unfit() iter.Seq[unfit] {
	return func(yield func(unfit) bool) {
		for p, u := range st.src.obstacles.unfit {
			dir := path.Dir(p)
			meant := dir == st.name && (st.sharing.home == nil || st.src.streamOf(p) == st) ||
				strings.HasPrefix(st.name, dir+"/")
			if meant && !yield(u) {
				return
			}
		}
	}
}

// unfitSince returns an unfit manifest, or one that cannot be read, for which the chunks of st wait.
// One in the same directory that no one needs is none: then all chunks are in the bucket's
// manifests. Nor is one that was broken already when viewers knew of all chunks, and was not
// written since.
func (st *stream) unfitSince(now time.Time) (worst unfit) {
	v := &st.vitals
	if v.ahead.IsZero() || now.Sub(v.ahead) <= max(v.target, time.Second) {
		return unfit{}
	}
	for u := range st.unfit() {
		if !u.readAt.Before(v.ahead) || v.edge.IsZero() {
			worst = worse(worst, u, v.ahead)
		}
	}
	for m := range st.naming() {
		if by := &m.file.stream.vitals; by.refused != "" {
			worst = worse(worst, unfit{why: by.refused, since: by.refusedAt}, v.ahead)
		}
	}
	return worst
}

// worse returns for which of two manifests chunks wait longer, which wait since a time at the
// earliest. a may be none.
func worse(a, b unfit, earliest time.Time) unfit {
	if b.since.Before(earliest) {
		b.since = earliest
	}
	if a.why == "" || b.since.Before(a.since) || b.since.Equal(a.since) && b.why < a.why {
		return b
	}
	return a
}

// unusable returns why it is not known which new chunks are those of st, if it is one of several
// streams in its directory: for longer than a chunk takes, no manifest could be used that would
// name them.
func (st *stream) unusable(now time.Time) (worst unfit) {
	if st.sharing.home == nil {
		return unfit{}
	}
	if v := &st.vitals; v.refused != "" {
		worst = unfit{why: v.refused, since: v.refusedAt}
	}
	for u := range st.unfit() {
		if worst.why == "" || u.since.Before(worst.since) {
			worst = u
		}
	}
	if now.Sub(worst.since) <= max(st.vitals.target, time.Second) {
		return unfit{}
	}
	return worst
}
