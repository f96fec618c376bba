package publish

import (
	"cmp"
	"path"
	"slices"
	"time"

	"ems-sidecar/uploader/health"
)

// A View is how a stream fares, for people and tools.
type View struct {
	Source   *Source
	Stream   string // its directory, below the root; of a part of it, with that one's name
	Dir      string // its directory, below the root
	Shown    string // what it is called: see NameOf
	State    health.State
	Since    time.Time
	Why      string
	Chunk    time.Time // when its newest chunk on the disk was closed; zero: none was
	Edge     time.Time // when the newest chunk was closed that viewers know of; zero: they know of none
	Target   time.Duration
	Lag      time.Duration // of the newest chunk: from its closing to the manifest that names it
	Sequence uint64        // of the newest segment that is published
	Segments int           // that the published manifest names
	Backlog  int           // chunks that wait for their upload
	Chunks   int64         // uploaded in this run
	Bytes    int64         // uploaded in this run
	Failure  string        // what keeps it from publishing; empty: nothing is known to
	FailedAt time.Time     // when the last request or reading failed
}

// Views returns how all streams fare, the worst first, and then by name.
func (s *Schedule) Views() []View {
	var views []View
	for _, st := range s.ring {
		if !st.isWatched() {
			continue
		}
		views = append(views, s.view(st))
	}
	slices.SortFunc(views, func(a, b View) int {
		return cmp.Or(slices.Index(health.States, a.State)-slices.Index(health.States, b.State),
			cmp.Compare(a.Stream, b.Stream))
	})
	return views
}

func (s *Schedule) view(st *stream) View {
	v := &st.vitals
	view := View{Source: st.src, Stream: path.Join(st.name, st.part), Dir: st.name, Shown: st.shown(),
		State: v.state, Since: v.since, Why: v.why,
		Chunk: v.chunk, Edge: v.edge, Target: v.target, Lag: v.lag, Sequence: v.sequence, Segments: v.segments,
		Backlog: st.queue(), Chunks: st.figures.chunks, Bytes: st.figures.bytes, FailedAt: v.failedAt}
	if v.state.Suffers() {
		view.Failure, _ = s.failure(st)
	}
	return view
}

// A ManifestView is what viewers have of a manifest, for people and tools.
type ManifestView struct {
	Path      string    // below the root
	Key       string    // of its object
	Set       bool      // it names other manifests only
	Published time.Time // zero: it is not
	Sequence  uint64    // of the first segment that the published one names
	Last      uint64    // of the newest one
	Segments  int       // how many it names
	Edge      string    // the key of the newest one; empty: it names none
	Ended     bool      // nothing will be added to it
	Waiting   time.Time // when the oldest version was read that waits to be published; zero: none waits
	// Of a live playlist: the discontinuity number of its newest segment, which counts the reconnects;
	// how many discontinuities it lists; and until when a stream that stopped is waited for, or zero.
	Discontinuity uint64
	Seams         int
	ReturnsBy     time.Time
}

// View returns how one stream of src fares, and what viewers have of the manifests that name its
// chunks, its own and those of its group. found is false if there is no such stream.
func (s *Schedule) View(src *Source, stream string) (v View, manifests []ManifestView, found bool) {
	st := s.named(src, stream)
	if st == nil || !st.isWatched() {
		return View{}, nil, false
	}
	for m := range st.naming() {
		manifests = append(manifests, m.view())
	}
	slices.SortFunc(manifests, func(a, b ManifestView) int { return cmp.Compare(a.Path, b.Path) })
	return s.view(st), manifests, true
}

func (m *manifest) view() ManifestView {
	v := ManifestView{Path: m.file.path, Key: m.file.key()}
	if p := m.published; p != nil {
		v.Published, v.Set, v.Ended = m.publishedAt, p.parsed.Set, p.edition.ended
		v.Sequence, v.Last, v.Segments = p.first(), p.last(), p.segments()
		if len(p.refs) > p.others {
			v.Edge = p.refs[len(p.refs)-1].key()
		}
	}
	if p := m.published; p != nil && p.edition.mpd != nil {
		v.Seams = len(p.edition.mpd.Periods) - 1
	}
	if p := m.published; p != nil && p.edition.list != nil {
		v.Discontinuity = discontinuity(p.edition.list)
		for i := range p.edition.list.Segments {
			v.Seams += p.edition.list.Segments[i].Discontinuities
		}
	}
	v.ReturnsBy = m.line.endAt
	if len(m.waiting) > 0 {
		v.Waiting = m.waiting[0].origin.readAt
	}
	return v
}
