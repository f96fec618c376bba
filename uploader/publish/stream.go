package publish

import (
	"slices"
	"time"

	"ems-sidecar/media"
)

// A stream is the publisher of one stream directory, or of one of several streams in it: its chunks
// that are to be uploaded, and its manifests.
type stream struct {
	streamKey
	called    string // see shown
	sharing   sharing
	manifests []*manifest
	links     links
	files     int // entries of src.files that belong here
	writing   writing

	turn     turn
	todo     todo
	backlog  backlog
	inFlight int
	standing standing
	cleared  bool // a manifest that named its chunks was deleted from the bucket
	figures  streamFigures
	vitals   vitals
}

// Links are those between a stream and others, by what manifests name.
type links struct {
	namedBy []*manifest // of other directories, which name files of this one: in DASH and MSS, the group's
	names   []*stream   // whose files its manifests name
}

// A writing is what is known of how the chunks of a stream are written.
type writing struct {
	by       media.WriterName  // NamesTell: it is not known
	tracks   map[string]*track // MSS: by directory
	unlisted []*file           // chunks of this run that no manifest has named so far, and some that one has
}

// A todo lists the files of a stream about which something is to be done.
type todo struct {
	pending   []*file
	delayed   []*file // of pending: those that were told to wait
	compactAt int     // length of pending at which it is rid of what does not wait any more
}

// A standing is how a stream fares with the store.
type standing struct {
	failures  int // in a row
	retryAt   time.Time
	refusals  int       // since the last success
	refused   bool      // so many that it is the stream's keys, and not one of them
	evictedAt time.Time // when one of its chunks was lost to a full spool; zero: long ago
}

// streamRefusals is how many refusals of its files make a stream wait as a whole.
const streamRefusals = 3

// noteNamedBy notes that m names a file of st.
func (st *stream) noteNamedBy(m *manifest) {
	by := m.file.stream
	if st == by || slices.Contains(st.links.namedBy, m) {
		return
	}
	st.links.namedBy = append(st.links.namedBy, m)
	if !slices.Contains(by.links.names, st) {
		by.links.names = append(by.links.names, st)
	}
}

// isNamedFrom reports whether a manifest of by names a file of st.
func (st *stream) isNamedFrom(by *stream) bool {
	return slices.ContainsFunc(st.links.namedBy, func(m *manifest) bool { return m.file.stream == by })
}

// format tells st from a stream of the same name in the same root.
func (st *stream) format() string { return st.src.layout.Format.String() }

// pool is that of the workers who upload it.
func (st *stream) pool() int {
	if st.src.bulk() {
		return bulkPool
	}
	return livePool
}

// recovered forgets failures.
func (st *stream) recovered() {
	st.standing.failures, st.standing.retryAt, st.standing.refusals, st.standing.refused = 0, time.Time{}, 0, false
	st.vitals.failure = ""
}

// reopened forgets also what the single files were told to wait.
func (st *stream) reopened(now time.Time) {
	st.recovered()
	for _, f := range st.todo.delayed {
		if !f.work.pause.isForPatch() {
			f.work.pause.until = time.Time{}
		}
	}
	for _, m := range st.manifests {
		if soon := now.Add(st.src.dest.ManifestInterval); m.notBefore.After(soon) {
			m.notBefore = soon
		}
	}
}

// checkAll has the bucket asked for all that the manifests name which were published lately.
func (st *stream) checkAll(at time.Time) {
	for _, m := range st.manifests {
		if m.published != nil && at.Sub(m.publishedAt) < manifestMemory {
			m.checkAll(at)
		}
	}
}

// enqueue lists f for its task.
func (st *stream) enqueue(f *file) {
	f.work.state = queued
	if f.work.queues.join(inPending) {
		st.todo.pending = append(st.todo.pending, f)
	}
	if len(st.todo.pending) > st.todo.compactAt {
		st.todo.pending = slices.DeleteFunc(st.todo.pending, func(f *file) bool {
			return !st.keeps(f, inPending, f.work.state == queued)
		})
		st.todo.compactAt = 2*len(st.todo.pending) + 64
	}
}

// keeps has f, which is in q, stay in it or not, and reports whether it does. One that is another stream's
// now does not.
func (st *stream) keeps(f *file, q queues, stays bool) bool {
	return f.stream == st && f.work.queues.keep(q, stays)
}

// decide chooses what the stream needs most: a publishable manifest, the chunks of the snapshot
// that is pursued, those with which its run ends, those of the newest, then whether the bucket still
// has what it had, then the rest, oldest first, and last what the bucket may have. If there is nothing more
// than such a check, at is when there may be, or zero if only an
// event can bring it. A probe is an upload, if there is any to do: the answer to a question does not
// tell whether the bucket takes one.
func (st *stream) decide(now time.Time, onlyManifests, probe bool) (c choice, at time.Time) {
	var check choice
	for _, m := range st.manifests {
		c, soonest := m.decide(now, onlyManifests)
		if c.isCheck {
			check = c
		} else if c.file != nil {
			return c, time.Time{}
		}
		at = earlier(at, soonest)
	}
	if onlyManifests {
		return choice{}, at
	}
	if c := st.chooseChunk(now, probe); c.file != nil && (!c.isBacklog || check.file == nil) {
		return c, time.Time{}
	}
	st.todo.delayed = slices.DeleteFunc(st.todo.delayed, func(f *file) bool {
		return !st.keeps(f, inDelayed, f.work.state == queued && now.Before(f.work.pause.until))
	})
	for _, f := range st.todo.delayed {
		at = earlier(at, f.work.pause.until)
	}
	if len(st.backlog.uncompared) > 0 && !st.backlog.listing && st.backlog.askAt.After(now) {
		at = earlier(at, st.backlog.askAt)
	}
	return check, at
}

func (st *stream) chooseChunk(now time.Time, probe bool) choice {
	for len(st.todo.pending) > 0 && (st.todo.pending[0].stream != st || st.todo.pending[0].work.state != queued) {
		st.keeps(st.todo.pending[0], inPending, false)
		st.todo.pending = st.todo.pending[1:]
	}
	if len(st.todo.pending)+len(st.directory().backlog.uncompared) == 0 {
		return choice{}
	}
	if probe {
		if f := st.firstQueued(st.todo.pending, now, false); f != nil {
			return chosen(f)
		}
	} else {
		for _, manifests := range [][]*manifest{st.manifests, st.links.namedBy} {
			for _, m := range manifests {
				if f := st.firstWanted(m, now); f != nil {
					return chosen(f)
				}
			}
		}
	}
	if f := st.firstQueued(st.todo.pending, now, true); f != nil {
		return choice{file: f, task: f.work.task, isBacklog: true}
	}
	f, t := st.nextComparison(now)
	return choice{file: f, task: t, isBacklog: true}
}

// A choice is what is to be done next: the PUT of a manifest's snapshot, or a task.
type choice struct {
	file     *file // nil: nothing
	snapshot *snapshot
	task     Task // without a snapshot

	isBacklog bool // no manifest waits for it
	isCheck   bool // it is a question to the bucket, and nothing waits for the answer
}

func chosen(f *file) choice { return choice{file: f, task: f.work.task} }

// firstWanted returns the chunk of st that m needs first.
func (st *stream) firstWanted(m *manifest, now time.Time) *file {
	n := len(m.waiting)
	if n == 0 {
		return nil
	}
	for _, s := range []*snapshot{m.pursued, m.endOfFirstRun(), m.waiting[n-1]} {
		if ready, _ := s.ready(m.file.src, now); ready { // what is open may have changed since its own stream was asked
			continue
		}
		singly := len(s.unserved.files) <= AskedSingly // else by a listing
		for _, f := range s.unserved.files[:min(len(s.unserved.files), mostWanted)] {
			if st.takes(f, now) && (singly || f.work.task != Compare || f.work.candidate != nil) {
				return f
			}
		}
	}
	return nil
}

func (st *stream) firstQueued(files []*file, now time.Time, all bool) *file {
	for _, f := range files {
		if st.takes(f, now) && (all || f.work.task == PutChunk) {
			return f
		}
	}
	return nil
}

// takes reports whether f, a chunk of st, may be worked on now.
func (st *stream) takes(f *file, now time.Time) bool {
	return f.work.state == queued && f.stream == st && !now.Before(f.work.pause.until) && !st.isBeingShown(f)
}

// delay enqueues f, which waits for p.
func (st *stream) delay(f *file, p pause) {
	f.work.pause = p
	st.enqueue(f)
	if f.work.queues.join(inDelayed) {
		st.todo.delayed = append(st.todo.delayed, f)
	}
}

// queue counts the files that wait for their upload.
func (st *stream) queue() int {
	n := 0
	for _, f := range st.todo.pending {
		if f.stream == st && f.work.waitsFor(PutChunk) && !f.work.pause.isForPatch() {
			n++
		}
	}
	return n
}

// earlier returns the earlier of two times, of which a zero one means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// NameOf returns what the stream of a directory below the root is called in logs, metrics and
// answers: the directory, or the root itself if the files are directly in it.
func NameOf(root, directory string) string {
	if directory == "." {
		return root
	}
	return directory
}

// shown returns what st is called: see NameOf. One of several streams in a directory is called as its
// playlist, below that.
func (st *stream) shown() string { return st.called }
