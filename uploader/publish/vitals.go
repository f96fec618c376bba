package publish

import (
	"iter"
	"time"

	"ems-sidecar/internal/clock"
	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// Vitals are what the health of a stream is judged by, and the last judgement.
type vitals struct {
	judgement

	chunk    time.Time     // when its newest chunk on the disk was closed
	edge     time.Time     // when the newest chunk was closed that a published manifest names
	ahead    time.Time     // when the oldest chunk of this run was closed that none names; zero: there is none
	target   time.Duration // of the published manifest
	sequence uint64        // of the newest segment that is published
	segments int           // that the published manifest names
	ended    bool          // the published manifest says so
	lag      time.Duration // of the newest chunk: from its closing to the manifest that names it
	failure  string        // of the last request or reading that failed; empty since one went well
	failedAt time.Time

	unreadable string    // why a file could not be read, last
	refused    string    // why what was read last of a manifest is not published; empty: it is to be
	refusedAt  time.Time // since when that is so
}

// refuses notes why what was read last of a manifest is not published.
func (v *vitals) refuses(why string, now time.Time) {
	if v.refused == "" {
		v.refusedAt = now
	}
	v.refused = why
}

// accepts notes that what was read last of a manifest is to be published.
func (v *vitals) accepts() { v.refused, v.refusedAt = "", time.Time{} }

// noteChunk notes that f was closed in version v. What was written in this run counts as closed now:
// the time of a file is another clock's on a network file system.
func (s *Schedule) noteChunk(f *file, v media.Version, now time.Time) {
	at, old := now, s.predates(v, now)
	if old {
		if at = clock.Moment(v.ModTime, now); at.After(now) {
			at = now
		}
	}
	f.disk.closedAt = at
	for _, st := range append(f.stream.twins(), f.stream) {
		st.noteClosing(at, old, now)
	}
}

// noteClosing notes that a chunk was closed at a time. old: an earlier run may have published it.
func (st *stream) noteClosing(at time.Time, old bool, now time.Time) {
	w := &st.vitals
	if !old && (w.ahead.IsZero() || now.Sub(w.chunk) > 2*st.chunkTime()) { // nothing, or a new start
		w.ahead = now
	}
	if at.After(w.chunk) {
		w.chunk = at
	}
	if w.since.IsZero() {
		w.since = now
	}
}

// noteListed notes that the bucket has snap, and so what viewers of the streams know that it names.
func (m *manifest) noteListed(snap *snapshot) {
	if snap.parsed.Segments == 0 {
		return // a set, or an F4M, whose bootstrap has the segments
	}
	named := append([]*stream{m.file.stream}, m.file.stream.links.names...)
	for _, st := range named {
		v := &st.vitals
		v.ended, v.target = snap.parsed.Ended, snap.parsed.TargetDuration
		v.sequence, v.segments = snap.last(), snap.segments()
	}
	for _, f := range snap.refs[snap.others:] {
		f.stream.noteShown(f)
		m.file.stream.noteShown(f)
	}
	for _, st := range named {
		if v := &st.vitals; v.chunk.After(v.edge) && !v.ahead.IsZero() {
			v.ahead = v.chunk
		} else {
			v.ahead = time.Time{}
		}
	}
	if v := &m.file.stream.vitals; v.edge.IsZero() && len(m.file.stream.links.names) == 0 {
		v.edge = clock.Moment(snap.origin.modTime, snap.origin.readAt) // its chunks are gone from the disk
	}
}

// noteShown notes that a published manifest names f, if it is a chunk of st, or of a twin.
func (st *stream) noteShown(f *file) {
	v, at := &st.vitals, f.disk.closedAt
	isTwin := st.src != f.src // it has no chunks of its own
	if (st == f.stream || isTwin) && at.After(v.edge) {
		v.edge = at
	}
	if isTwin && at.After(v.chunk) {
		v.chunk = at // which was closed before its first manifest was read
		if v.since.IsZero() {
			v.since = at
		}
	}
}

// isWatched reports whether st is a stream that is judged: it has chunks of its own, or had some.
func (st *stream) isWatched() bool {
	v := &st.vitals
	return st.sharing.state == alone && !st.src.bulk() && !st.src.retired && (!v.chunk.IsZero() || !v.edge.IsZero())
}

// naming yields the manifests that name chunks of st, its own and those of its group.
func (st *stream) naming() iter.Seq[*manifest] {
	return func(yield func(*manifest) bool) {
		for _, m := range st.manifests {
			if !yield(m) {
				return
			}
		}
		for _, m := range st.links.namedBy {
			if !yield(m) {
				return
			}
		}
	}
}

// heldSince returns since when the oldest manifest waits that names chunks of st, or zero. One that is put
// once more does not wait, nor does one while another writer publishes it. A set that waits is of interest
// while the stream is written and none of it is published: it may name a playlist that is never written.
func (st *stream) heldSince(now time.Time) (since time.Time, which string) {
	for m := range st.naming() {
		if now.Before(m.rival.yieldUntil) {
			continue
		}
		for _, w := range m.waiting {
			if w.parsed.Set && (m.published != nil || !st.isWritten(now)) {
				continue
			}
			if m.published == nil || w.sum != m.published.sum {
				if since.IsZero() || w.origin.readAt.Before(since) {
					since, which = w.origin.readAt, m.file.key()
				}
				break
			}
		}
	}
	return since, which
}

// isWritten reports whether chunks of st come to the disk, or are to come.
func (st *stream) isWritten(now time.Time) bool {
	v := &st.vitals
	f := health.Facts{Target: st.targetOf(), Chunk: v.chunk, Delay: st.src.obstacles.delay, Ended: v.ended}
	return f.IsWritten(now)
}

// targetOf returns the target duration of st: that of the published manifest, or of one that waits.
func (st *stream) targetOf() time.Duration {
	if st.vitals.target > 0 {
		return st.vitals.target
	}
	for m := range st.naming() {
		for _, w := range m.waiting {
			if w.parsed.TargetDuration > 0 {
				return w.parsed.TargetDuration
			}
		}
	}
	return 0
}

// chunkTime returns about how long a chunk of st is, for what is late by it.
func (st *stream) chunkTime() time.Duration {
	if target := st.targetOf(); target > 0 {
		return max(target, time.Second)
	}
	return health.DefaultTarget
}

// failure says what keeps st from publishing, or "", and whether that is its bucket's trouble.
func (s *Schedule) failure(st *stream) (why string, shared bool) {
	if st.src.isStuck() {
		return "the file system of its directory does not answer", false
	}
	if u := st.unseen(); u.Why != "" {
		return u.Why, false
	}
	l := s.lane(st.src.dest)
	if l.closedTo(st) && l.why != "" {
		return l.why, true
	}
	for m := range st.naming() {
		by := m.file.stream
		if by.vitals.refused != "" {
			return by.vitals.refused, false
		}
		if len(m.waiting) > 0 && len(m.waiting[0].unserved.files) > 0 {
			if f := m.waiting[0].unserved.files[0]; f.work.failures > 0 {
				return f.stream.vitals.unreadable, false
			}
		}
		if st.vitals.failure == "" && by.vitals.failure != "" {
			return by.vitals.failure, l.isCauseOf(by)
		}
	}
	return st.vitals.failure, l.isCauseOf(st)
}

// facts are what is known of st now. shared says that its failure is its bucket's.
func (s *Schedule) facts(st *stream, now time.Time) (f health.Facts, shared bool) {
	v := &st.vitals
	why, shared := s.failure(st)
	f = health.Facts{Target: st.targetOf(), Chunk: v.chunk, Edge: v.edge, Ahead: v.ahead,
		Grace: st.src.dest.ManifestInterval, Delay: st.src.obstacles.delay, Ended: v.ended, Failure: why,
		Blocked: st.src.stuckSince, OnlyNamed: st.sharing.home != nil}
	if u := st.unseen(); u.Why != "" && f.Blocked.IsZero() {
		f.Blocked = u.Since
	}
	if !v.chunk.Before(s.settings.Began) { // else it may be in the bucket: that is being found out
		f.Held, f.Manifest = st.heldSince(now)
	}
	u := st.unfitSince(now)
	if u.why != "" {
		f.Held = earlier(f.Held, u.since)
	}
	if r := st.unusable(now); r.why != "" {
		f.Blocked, u = earlier(f.Blocked, r.since), r
	}
	if u.why != "" && f.Failure == "" {
		f.Failure, shared = u.why, false
	}
	if st.traits().PatchesLate {
		f.Grace += SiblingPatience
	}
	return f, shared
}

// fails notes why something about st failed.
func (st *stream) fails(why error, now time.Time) {
	if why != nil {
		st.vitals.failure, st.vitals.failedAt = why.Error(), now
	}
}
