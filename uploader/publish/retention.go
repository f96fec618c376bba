package publish

import (
	"iter"
	"slices"
	"strings"
	"time"
)

// A departure is what is known of a file whose object is deleted when the file is.
type departure struct {
	state   departureState
	place   *Place    // where it was when it was last closed
	since   time.Time // when it was listed
	namedAt time.Time // when a manifest was last seen to name it, while it is listed; or when itself was published
	tryAt   time.Time // the store keeps the object: not to be tried before
}

type departureState uint8

const (
	present departureState = iota
	hasLeft                // its name is gone
	listed                 // its name is gone, and it is listed for its object to be deleted
)

func (d departureState) String() string { return [...]string{"present", "left", "listed"}[d] }

// hasLeft reports whether the name is gone.
func (d *departure) hasLeft() bool { return d.state != present }

// unlisted applies that the object is not to be deleted any more.
func (d *departure) unlisted() {
	if d.state == listed {
		d.state = hasLeft
	}
}

// A retention lists the files of one source whose objects are to follow them. All of them are
// looked at every so often: at those that a manifest names, too, whose delay then begins again.
type retention struct {
	src      *Source
	listed   []listing
	checkAt  time.Time // zero: nothing is listed
	inFlight bool
	failures int  // in a row
	full     bool // that it takes no more was logged

	asking   inquiry         // what is to be surveyed next
	surveyed map[string]bool // directories below the root: what the bucket's manifests in them name is known
	archives map[string]bool // streams: what their archives and clips name of the files that are known is known
	surveyAt time.Time       // when a survey that failed is tried again
	epoch    int             // grows when that is known of one no more
}

// A listing is void once the file's departure is another one.
type listing struct {
	file  *file
	since time.Time
}

// seen applies that p, which was closed, is at a place: what was gone is back.
func (s *Schedule) seen(src *Source, p string, at *Place, now time.Time) {
	if at != nil {
		src.place = at
	}
	if f, ok := src.files[p]; ok {
		if f.bucket.inDoubt {
			f.lateDeletion(now)
		}
		f.bucket.noDoubt()
		f.gone = departure{place: at}
	}
}

// left applies that the name p is gone from the disk. EMS never deletes recordings: an operator
// moves them away.
func (s *Schedule) left(src *Source, p string, now time.Time) {
	if f, ok := src.files[p]; ok && f.mirrors() && !src.bulk() {
		f.gone.state = hasLeft
		s.follow(f, now)
	}
}

// follow lists f if its name is gone and the bucket has it: what EMS deletes before its upload is
// uploaded first.
func (s *Schedule) follow(f *file, now time.Time) {
	unpublished := f.manifest != nil && f.manifest.published == nil
	if f.gone.state != hasLeft || !f.bucket.isConfirmed() || unpublished || f.isArchived() || !f.mirrors() {
		return
	}
	if f.gone.place == nil && f.src.shared {
		return // kept by an earlier run, whose root may have been another one
	}
	src, d := f.src, f.src.dest
	r := s.retentionOf(src)
	if len(r.listed) >= maxDepartures {
		f.gone.state = present
		if !r.full {
			r.full = true
			s.log.Warn("too many objects wait for their deletion, further ones stay", "bucket", d.Bucket, "key", f.key(),
				"waiting", len(r.listed),
				"next", "it stays in the bucket, and further ones", "hint", "a shorter delete_delay makes fewer wait")
		}
		return
	}
	r.full = false
	f.gone.state, f.gone.since = listed, now
	r.listed = append(r.listed, listing{f, now})
	if r.checkAt.IsZero() {
		r.checkAt = now.Add(d.DeletionInterval())
	}
}

func (s *Schedule) retentionOf(src *Source) *retention {
	if src.retention == nil {
		src.retention = &retention{src: src, surveyed: make(map[string]bool), archives: make(map[string]bool)}
		s.retentions = append(s.retentions, src.retention)
	}
	return src.retention
}

// shownUntil applies that s, which may be nil, was in the bucket until now: the delay of what it
// names begins.
func (s *snapshot) shownUntil(now time.Time) {
	if s == nil {
		return
	}
	for f := range s.named() {
		f.gone.namedAt = now
	}
}

// spare has objects stay that are listed for deletion: a manifest that stays names them.
func (s *snapshot) spare() {
	for f := range s.named() {
		f.bucket.noDoubt()
		f.gone = departure{place: f.gone.place}
	}
}

// nextDeletion returns the job that deletes what is due, and counts it as started. There is one at
// a time for each source, apart from the workers. Nothing is deleted while the bucket is in
// trouble, or when the daemon ends.
func (s *Schedule) nextDeletion(now time.Time) (Job, bool) {
	if s.draining {
		return Job{}, false
	}
	for _, r := range s.retentions {
		if !s.mayDelete(r) || r.checkAt.IsZero() || now.Before(r.checkAt) {
			continue
		}
		batch := s.due(r, now)
		switch {
		case len(batch) == deletionBatch || len(batch) > 0 && !r.asking.isEmpty():
			r.checkAt = now
		case len(r.listed) == 0 && r.asking.isEmpty():
			r.checkAt = time.Time{}
		default:
			r.checkAt = now.Add(r.src.dest.DeletionInterval())
		}
		j := Job{Task: Delete, Removals: batch, Source: r.src, Started: now}
		if len(batch) == 0 {
			// A PUT of the run before may still bring a manifest.
			if r.asking.isEmpty() || now.Sub(s.settings.Began) <= doubtTime || now.Before(r.surveyAt) {
				continue
			}
			j.Task, j.Survey = ReadManifests, s.newSurvey(r, r.asking.dirs, r.asking.archives)
			r.asking = inquiry{}
		}
		r.inFlight = true
		return j, true
	}
	return Job{}, false
}

// wakeForDeletion returns when nextDeletion may find something, or the zero time.
func (s *Schedule) wakeForDeletion() (at time.Time) {
	for _, r := range s.retentions {
		if !s.draining && s.mayDelete(r) {
			at = earlier(at, r.checkAt)
		}
	}
	return at
}

func (s *Schedule) mayDelete(r *retention) bool {
	return !r.inFlight && !r.src.isStuck() && s.lane(r.src.dest).state == open
}

// deletes reports whether objects are being deleted. What a file system that does not answer holds
// up is left alone.
func (s *Schedule) deletes() bool {
	return slices.ContainsFunc(s.retentions, func(r *retention) bool { return r.inFlight && !r.src.isStuck() })
}

// due returns what is to be deleted now, which has begun with that, and drops what is not listed
// any more. It asks for the surveys that others need first.
func (s *Schedule) due(r *retention, now time.Time) (batch []Removal) {
	d := r.src.dest
	r.listed = slices.DeleteFunc(r.listed, func(e listing) bool {
		f := e.file
		if f.gone.state != listed || !f.gone.since.Equal(e.since) {
			return true
		}
		if f.naming.now > 0 {
			f.gone.namedAt = now
		}
		if m := f.manifest; m != nil && m.publishedAt.After(f.gone.namedAt) {
			f.gone.namedAt = m.publishedAt // what came last is to be seen for a while, too
		}
		if len(batch) == deletionBatch || !f.gone.isOver(d.DeleteDelay, now) || !f.mayBeDeleted() ||
			f.bucket.late.mayApply(now) || s.mayBeNamedAbove(f) {
			return false
		}
		if s.askAbout(f, now) {
			return false
		}
		f.beginRemoval(now)
		s.touch(f.stream)
		batch = append(batch, Removal{Path: f.path, Key: f.key(), Place: f.gone.place, Others: f.others(), file: f,
			doubt: f.bucket.inDoubt})
		return false
	})
	return batch
}

// mayBeDeleted reports whether nothing that is known of the object of f, whose name is gone, speaks
// for it.
func (f *file) mayBeDeleted() bool {
	switch m := f.manifest; {
	case f.work.state != idle || f.naming.now > 0 || f.isArchived() || !f.mirrors(),
		!f.bucket.isConfirmed() && !f.bucket.inDoubt:
		return false
	case m != nil && (len(m.waiting) > 0 || !m.line.endAt.IsZero() || m.isBusy() ||
		!m.settledInBucket() && !f.bucket.inDoubt):
		return false // what was read of it is still to be published (R5)
	}
	if f.gone.place == nil { // kept by an earlier run, in a spool in this very root
		if f.gone.place = f.src.place; f.gone.place == nil {
			return false
		}
	}
	return f.stream.manifestsAreKnown(f) && !f.isThereFromElsewhere()
}

// manifestsAreKnown reports whether it is known what those manifests in the bucket name that may
// name f, a file of st. After a start, those of the run before are there until each is published
// again.
func (st *stream) manifestsAreKnown(f *file) bool {
	some := f.manifest != nil || st.cleared
	for _, manifests := range []iter.Seq[*manifest]{st.src.manifestsIn(st.name), slices.Values(st.links.namedBy)} {
		for m := range manifests {
			switch {
			case m == f.manifest:
			case !m.settledInBucket() || m.mayShow(f):
				return false
			case m.published != nil:
				some = true
			case m.file.bucket.isConfirmed() || m.file.disk.isWhole() || len(m.waiting) > 0:
				return false
			}
		}
	}
	return some
}

// settledInBucket reports whether the bucket has of m what was published and nothing else: no
// version of another writer, and none that a PUT without an answer may bring yet.
func (m *manifest) settledInBucket() bool {
	return m.errand.state != asking && m.copy.isSettled() && !m.rival.isMet()
}

// isThereFromElsewhere reports whether a file of another root has the key of f, or may have it.
func (f *file) isThereFromElsewhere() bool {
	for _, o := range f.others() {
		if g := o.Source.files[o.Path]; o.Source.isStuck() || g != nil && g.disk.state == diskWhole {
			return true
		}
	}
	return false
}

// others returns the files of other roots that may have an object under the key of f.
func (f *file) others() (others []Other) {
	src := f.src
	for _, o := range src.schedule.sources {
		if o.root == src.root || o.dest.Bucket != src.dest.Bucket {
			continue
		}
		if p, ok := strings.CutPrefix(src.dest.Prefix+f.path, o.dest.Prefix); ok && p != "" {
			others = append(others, Other{o, p})
		}
	}
	return others
}
