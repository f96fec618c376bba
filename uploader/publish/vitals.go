package publish

import (
	"cmp"
	"slices"
	"time"

	"ems-sidecar/uploader/health"
)

// Vitals are what the health of a stream is judged by, and the last judgement.
type vitals struct {
	state health.State
	since time.Time // when it entered that state
	why   string

	chunk    time.Time     // when its newest chunk on the disk was closed
	edge     time.Time     // when the newest chunk was closed that a published manifest names
	target   time.Duration // of the published manifest
	sequence uint64        // of the newest segment that is published
	segments int           // that the published manifest names
	ended    bool          // the published manifest says so
	lag      time.Duration // of the newest chunk: from its closing to the manifest that names it
	failure  string        // of the last request or reading that failed; empty since one went well
	failedAt time.Time

	unreadable string // why a file could not be read, last
}

// A Change is a stream's way from one state to another.
type Change struct {
	At       time.Time
	Source   *Source
	Stream   string // its directory, below the root
	From, To health.State
	Why      string
	Lasted   time.Duration // how long it was in From; zero at its beginning
}

// noteChunk notes that a chunk of st was closed, now or before this run.
func (st *stream) noteChunk(closed, now time.Time) {
	if closed.After(now) {
		closed = now // another machine's clock
	}
	if closed.After(st.vitals.chunk) {
		st.vitals.chunk = closed
	}
}

// noteListed notes that the bucket has snap, and so what viewers of the streams know that it names.
func (m *manifest) noteListed(snap *snapshot) {
	if snap.parsed.Segments == 0 {
		return // a set, or an F4M, whose bootstrap has the segments
	}
	named := append([]*stream{m.file.stream}, m.file.stream.names...)
	for _, st := range named {
		v := &st.vitals
		v.ended, v.target = snap.parsed.Ended, snap.parsed.TargetDuration
		v.sequence, v.segments = snap.parsed.Last, snap.parsed.Segments
	}
	for _, f := range snap.refs[snap.others:] {
		if at := f.disk.version.ModTime; at.After(f.stream.vitals.edge) {
			f.stream.vitals.edge = at
		}
	}
	if v := &m.file.stream.vitals; v.edge.IsZero() && len(m.file.stream.names) == 0 {
		v.edge = snap.modTime // its chunks are gone from the disk
	}
}

// isWatched reports whether st is a stream that is judged: it has chunks of its own, or had some.
func (st *stream) isWatched() bool {
	return !st.src.bulk() && (!st.vitals.chunk.IsZero() || !st.vitals.edge.IsZero())
}

// heldSince returns since when the oldest manifest waits that names chunks of st, or zero.
func (st *stream) heldSince() (since time.Time) {
	for _, manifests := range [][]*manifest{st.manifests, st.namedBy} {
		for _, m := range manifests {
			if len(m.waiting) > 0 && m.waiting[0].parsed.Segments > 0 {
				since = earlier(since, m.waiting[0].readAt)
			}
		}
	}
	return since
}

// failure says what keeps st from publishing, or "".
func (s *Schedule) failure(st *stream) string {
	switch l := s.lane(st.src.dest); {
	case st.src.stuck:
		return "the file system of its directory does not answer"
	case l.closedTo(st) && l.why != "":
		return l.why
	}
	if st.waitsForUnreadable() {
		return st.vitals.unreadable
	}
	return st.vitals.failure
}

// waitsForUnreadable reports whether a manifest of st waits for a file that cannot be read.
func (st *stream) waitsForUnreadable() bool {
	for _, m := range st.manifests {
		if len(m.waiting) > 0 && len(m.waiting[0].open) > 0 && m.waiting[0].open[0].work.failures > 0 {
			return true
		}
	}
	return false
}

// facts are what is known of st now.
func (s *Schedule) facts(st *stream) health.Facts {
	v := &st.vitals
	return health.Facts{Target: v.target, Chunk: v.chunk, Edge: v.edge, Held: st.heldSince(), Ended: v.ended,
		Failure: s.failure(st)}
}

// Judge judges the health of all streams. It is called once a second.
func (s *Schedule) Judge(now time.Time) {
	for _, st := range s.ring {
		s.judge(st, now)
	}
}

// judge judges the health of st.
func (s *Schedule) judge(st *stream, now time.Time) {
	if !st.isWatched() {
		return
	}
	v, f := &st.vitals, s.facts(st)
	state, why := f.Judge(now)
	v.why = why
	if v.since.IsZero() {
		v.since = now
	}
	if state == v.state {
		return
	}
	c := Change{At: now, Source: st.src, Stream: st.name, From: v.state, To: state, Why: why, Lasted: now.Sub(v.since)}
	v.state, v.since = state, now
	s.effects.Changes = append(s.effects.Changes, c)
}

// fails notes why something about st failed.
func (st *stream) fails(why error, now time.Time) {
	if why != nil {
		st.vitals.failure, st.vitals.failedAt = why.Error(), now
	}
}

// A View is how a stream fares, for people and tools.
type View struct {
	Source   *Source
	Stream   string // its directory, below the root
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
		v := &st.vitals
		views = append(views, View{Source: st.src, Stream: st.name, State: v.state, Since: v.since, Why: v.why,
			Chunk: v.chunk, Edge: v.edge, Target: v.target, Lag: v.lag, Sequence: v.sequence, Segments: v.segments,
			Backlog: st.queue(), Chunks: st.figures.chunks, Bytes: st.figures.bytes, Failure: s.failure(st),
			FailedAt: v.failedAt})
	}
	slices.SortFunc(views, func(a, b View) int {
		return cmp.Or(slices.Index(health.States, a.State)-slices.Index(health.States, b.State),
			cmp.Compare(a.Stream, b.Stream))
	})
	return views
}
