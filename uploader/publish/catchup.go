package publish

import (
	"slices"
	"time"

	"ems-sidecar/internal/clock"
	"ems-sidecar/media"
)

// R7: nothing is sent twice. After a start, what the bucket holds already is found by comparison:
// files that are older than this run are compared before they are sent. A manifest that is
// unchanged: readAlike in manifestread.go; one that the bucket has: adopt in verify.go; a chunk
// that is reported again: chunkClosed in closed.go.

const (
	// Files that are older than this run are gathered for so long before the bucket is asked what
	// it has of them, because a scan reports them one by one; but not for longer than gatherMost.
	gatherTime = 300 * time.Millisecond
	gatherMost = 5 * time.Second

	// AskedSingly is how many files are compared with one request each; more, by a listing of their
	// directory.
	AskedSingly = 64

	// What a store says of an object's time is cut to whole seconds.
	storedGranularity = time.Second
)

// A backlog is what an earlier run may have uploaded of a stream, and no manifest needed so far.
type backlog struct {
	uncompared   []*file
	askAt        time.Time
	gatheredFrom time.Time // when the first of uncompared came
	listing      bool      // the bucket is being asked for what was uncompared
}

// predates reports whether an earlier run may have uploaded what is in version v.
func (s *Schedule) predates(v media.Version, now time.Time) bool {
	at := clock.Moment(v.ModTime, now)
	return at.Before(s.settings.Began) || at.After(now.Add(time.Minute)) // the clock may have been set since
}

// compareLater has f, which an earlier run may have uploaded, compared with what the bucket has. All
// files of a directory are compared together: one listing tells of all.
func (st *stream) compareLater(f *file, now time.Time) {
	f.work.state, f.work.task = queued, Compare
	if !f.work.queues.join(inUncompared) {
		return
	}
	if st.sharing.home != nil {
		st = st.sharing.home
		st.src.schedule.agenda.reconsider(st)
	}
	if len(st.backlog.uncompared) == 0 {
		st.backlog.gatheredFrom = now
	}
	st.backlog.uncompared = append(st.backlog.uncompared, f)
	st.backlog.askAt = earlier(now.Add(gatherTime), st.backlog.gatheredFrom.Add(gatherMost))
}

// nextComparison chooses what is compared next of the files that no manifest needs: one, or all by
// a listing.
func (st *stream) nextComparison(now time.Time) (f *file, t Task) {
	if len(st.backlog.uncompared) == 0 || now.Before(st.backlog.askAt) {
		return nil, 0
	}
	st.backlog.uncompared = slices.DeleteFunc(st.backlog.uncompared, func(f *file) bool {
		// One that was refused is pending.
		return !f.work.queues.keep(inUncompared, f.work.waitsFor(Compare) && !now.Before(f.work.pause.until))
	})
	switch n := len(st.backlog.uncompared); {
	case n == 0 || st.backlog.listing:
		return nil, 0
	case n > AskedSingly:
		return st.backlog.uncompared[0], List
	}
	return st.backlog.uncompared[0], Compare
}

// takeUncompared returns the files that a listing is for.
func (st *stream) takeUncompared() []*file {
	files := st.backlog.uncompared
	for _, f := range files {
		f.work.queues.keep(inUncompared, false)
	}
	st.backlog.uncompared, st.backlog.listing = nil, true
	return files
}

// listed applies what the bucket has of the files of a listing.
func (s *Schedule) listed(r Result, now time.Time) {
	for _, l := range r.Listing {
		f := l.file
		if !f.work.waitsFor(Compare) {
			continue // a manifest needed it, and it was asked for by itself
		}
		s.touch(f.stream)
		object := r.object(f.key())
		switch object.compareListed(f.disk.version, f.isImmutable()) {
		case Different:
			f.work.task = PutChunk
			f.stream.enqueue(f)
		case Identical:
			f.work.state = idle
			s.foundThere(f, f.disk.version, byListing, now)
			s.follow(f, now)
			f.src.forgetIfUnused(f)
		case Unclear:
			f.work.candidate = object
			f.stream.enqueue(f)
		}
	}
}

// object returns what a listing had under the key, or nil.
func (r *Result) object(key string) *ObjectInfo {
	if o, found := r.Objects[key]; found {
		return &o
	}
	return nil
}

// notListed handles a listing that failed.
func (s *Schedule) notListed(r Result, permanent bool, now time.Time) {
	for _, l := range r.Listing {
		f := l.file
		s.touch(f.stream)
		switch {
		case !f.work.waitsFor(Compare):
		case permanent:
			f.stream.enqueue(f) // one by one
		default:
			f.stream.compareLater(f, now)
		}
	}
}

// compared applies whether the bucket has f.
func (s *Schedule) compared(r Result, now time.Time) {
	f := r.file
	f.work.candidate = nil
	switch {
	// a deletion was applied late
	case f.bucket.isConfirmed() && !r.Same && f.disk.version.Equal(r.Version) && f.disk.isWhole():
		f.outdated(now)
		f.work.task = PutChunk
		f.stream.enqueue(f)
	case f.bucket.isLost() && r.Same && f.disk.version.Equal(r.Version): // given up meanwhile, and there after all
		s.foundThere(f, r.Version, byQuestion, now)
		if f.disk.hasOther(r.Version) { // another run has used its name since
			f.outdated(now)
			f.src.expect(f.path)
		}
	case f.bucket.isSettled():
	case f.disk.hasOther(r.Version):
		f.disk.contentGone()
		f.src.expect(f.path)
	case r.Same && f.disk.version.Equal(r.Version):
		s.foundThere(f, r.Version, byQuestion, now)
	default:
		f.work.task = PutChunk
		f.stream.enqueue(f)
	}
}

// foundThere applies that an earlier run has uploaded f. how tells by what that is known.
func (s *Schedule) foundThere(f *file, v media.Version, how string, now time.Time) {
	s.figures.found++
	f.disk.writtenAt = time.Time{}
	f.confirm(v, how, now)
}
