package publish

import (
	"slices"
	"time"
)

// R9: one bad stream hurts no other. Streams have turns (turns.go), those first that have more than a
// backlog; each has a share of the workers only, and one in trouble has a single one. Large files have
// workers of their own.
// A bucket in trouble: lane.go. A file system that does not answer: stuck.go.

// Next returns the job that is to be started now, if any, and counts it as started. The caller has
// to end each with a call of Done.
func (s *Schedule) Next(now time.Time) (Job, bool) {
	s.readAgain(now)
	s.noteJumps(now)
	if j, ok := s.nextDeletion(now); ok {
		return j, true
	}
	for s.consider(now); s.hasRoom(); s.consider(now) {
		st := s.nextTurn(now)
		if st == nil {
			break
		}
		if j, ok := s.start(st, now); ok {
			return j, true
		}
	}
	return Job{}, false
}

// passes is how often a stream with nothing but a backlog lets others go first whose viewers wait. After
// that it has its turn, or else a line that is too slow for all streams would never carry any backlog.
const passes = 7

// nextTurn returns the stream whose turn it is, or nil.
func (s *Schedule) nextTurn(now time.Time) *stream {
	c := &s.agenda.checks
	if c.passed >= passes {
		if st := s.nextCheck(now); st != nil {
			return st
		}
	}
	if st := s.nextReady(now); st != nil {
		c.passed++
		return st
	}
	return s.nextCheck(now)
}

// nextReady returns the stream whose turn it is to do something that is no check, or nil.
func (s *Schedule) nextReady(now time.Time) *stream {
	return s.agenda.turns.next(func(st *stream) bool { return s.mayWork(st) && s.lane(st.src.dest).admits(st, now) })
}

// start starts what st needs most. It reports false if that needs no job.
func (s *Schedule) start(st *stream, now time.Time) (Job, bool) {
	s.touch(st)
	c, _ := s.decide(st, now) // something may have become more urgent since it was considered
	if c.file == nil || c.isCheck && !s.agenda.checks.mayBegin(now) {
		return Job{}, false
	}
	f, m, l := c.file, c.file.manifest, s.lane(st.src.dest)
	var listing []*file
	switch {
	case c.snapshot != nil:
		m.start(c.snapshot)
		if p := m.published; p != nil && p.edition.sum == c.snapshot.edition.sum && m.copy.trust == certain {
			m.finish(c.snapshot, now) // no request is needed: it returned to what the bucket holds
			s.noteStop(m)
			return Job{}, false
		}
	case c.task == Verify:
		m.errand = errand{state: asking}
		listing = m.toCheck(now)
	case c.task == Withdraw:
		m.withdraw()
	case c.task == List:
		listing = st.takeUncompared()
	default:
		c.task = s.startWork(f)
	}
	st.inFlight++
	s.holdWorker(st)
	isProbe := l.closedTo(st)
	if isProbe {
		l.probe.isOut, l.probe.of = true, st.src
	}
	j := s.job(c, listing, st.standing.failures > 0 || isProbe, now)
	if j.stream, j.isCheck = st, c.isCheck; c.isCheck {
		s.agenda.checks.begin(now)
	}
	s.stepSending(j)
	return j, true
}

// startWork starts the task of f, a chunk, and returns it.
func (s *Schedule) startWork(f *file) Task {
	if f.src.bulk() && f.work.task == PutChunk && !f.recording.Claim.settles(f.disk.version) {
		f.work.task = Look // no recording replaces another
	}
	f.work.state = inFlight
	s.pools.sending[f] = f.work.task == PutChunk
	if f.src.bulk() && f.work.task == Look {
		return FindKey
	}
	return f.work.task
}

// job returns the job that does c.
func (s *Schedule) job(c choice, listing []*file, fresh bool, now time.Time) Job {
	f := c.file
	j := Job{Task: c.task, Source: f.src, Path: f.path, Key: f.key(), Version: f.disk.version, Immutable: f.isImmutable(),
		Candidate: f.work.candidate, FreshConnection: fresh, Started: now, file: f, snapshot: c.snapshot}
	if f.recording != nil {
		j.Recording = *f.recording
	}
	if m := f.manifest; c.task == Verify && c.snapshot == nil && m.needsRecall() {
		j.Recall, j.Known = true, m.newest().edition.hexSum()
	}
	if c.task == Withdraw {
		j.Manifest.Bytes = f.manifest.line.shown.content
	}
	if c.snapshot != nil {
		j.Task = PutManifest
		e := &c.snapshot.edition
		j.Manifest = Content{e.content, e.hexSum(), c.snapshot.parsed.TargetDuration}
		j.Replaces = f.manifest.copy.replace(c.snapshot)
	}
	if !j.asksOnly() {
		size := j.Version.Size
		if c.snapshot != nil {
			size = int64(len(j.Manifest.Bytes))
		}
		s.lane(f.src.dest).setTimes(&j, size, now)
	}
	for _, l := range listing {
		j.Listing = append(j.Listing, Named{l.path, l.key(), l})
	}
	return j
}

// Wake returns when Next may find something that it did not find now, or the zero time if only an
// event can bring it. It is for after a call of Next that found nothing.
func (s *Schedule) Wake(now time.Time) time.Time {
	at := s.wakeForDeletion()
	if !s.draining && !s.again.isEmpty() {
		at = earlier(at, s.again.at)
	}
	for _, j := range s.jumps {
		if !s.draining {
			at = earlier(at, j.dueAt)
		}
	}
	if r := s.agenda.resting; len(r) > 0 {
		at = earlier(at, r[0].turn.at)
	}
	if !s.hasRoom() {
		return at
	}
	for _, st := range s.agenda.turns.waiting {
		if opens, ok := s.opensFor(st); ok && st.turn.state.isReady() {
			at = earlier(at, opens)
		}
	}
	return earlier(at, s.wakeForCheck())
}

// opensFor returns when st may send a request. It reports false if only an event can bring that.
func (s *Schedule) opensFor(st *stream) (at time.Time, ok bool) {
	l := s.lane(st.src.dest)
	if !s.mayWork(st) || l.closedTo(st) && l.probe.isOut {
		return time.Time{}, false
	}
	return l.opensFor(st), true
}

// mayWork reports whether st may have one more worker: while it is in trouble, it has one, and
// never so many that others find none.
func (s *Schedule) mayWork(st *stream) bool {
	pool := st.pool()
	share := s.pools.workers[bulkPool]
	if pool == livePool {
		w := &s.lane(st.src.dest).window
		if !w.room() || len(s.lanes) > 1 && w.inFlight >= s.shareOfBucket() {
			return false
		}
		share = max(1, min(s.pools.workers[livePool], w.size)/4)
	}
	if st.standing.failures > 0 {
		share = 1
	}
	return s.room(pool) && st.inFlight < share
}

// shareOfBucket is how many requests to one of several buckets are in flight at most: it may be
// slow, and a quarter of the workers is left to the others.
func (s *Schedule) shareOfBucket() int {
	workers := s.pools.workers[livePool]
	return workers - workers/4
}

// holdWorker counts that a job of st holds a worker.
func (s *Schedule) holdWorker(st *stream) {
	s.pools.inFlight[st.pool()]++
	if st.pool() == livePool {
		s.lane(st.src.dest).window.begin()
	}
}

// giveBackWorker counts that it holds none any more.
func (s *Schedule) giveBackWorker(st *stream) {
	s.pools.inFlight[st.pool()]--
	if st.pool() == livePool {
		s.lane(st.src.dest).window.end()
	}
}

// room reports whether a worker of the pool is free.
func (s *Schedule) room(pool int) bool { return s.pools.inFlight[pool] < s.pools.workers[pool] }

// hasRoom reports whether a stream that has something to do may find a worker. While all wait for the
// windows of their buckets, an event costs nothing for each of them.
func (s *Schedule) hasRoom() bool {
	if s.agenda.turns.queued[bulkPool] > 0 && s.room(bulkPool) {
		return true
	}
	if !s.room(livePool) {
		return false
	}
	for _, l := range s.lanes {
		if l.window.room() {
			return true
		}
	}
	return len(s.lanes) == 0
}

// Busy reports whether jobs are in flight whose end is waited for.
func (s *Schedule) Busy() bool {
	return slices.Max(s.pools.inFlight[:]) > 0 || s.deletes()
}

// allRefused reports whether every stream that has something to upload to dest was refused.
func (s *Schedule) allRefused(dest *Destination, now time.Time) bool {
	for _, st := range s.ring {
		if st.src.dest != dest || st.standing.refused {
			continue
		}
		if c, _ := st.decide(now, false, false); c.file != nil || st.inFlight > 0 {
			return false
		}
	}
	return true
}
