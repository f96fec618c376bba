package publish

import (
	"cmp"
	"slices"
	"time"

	"ems-sidecar/media"
)

// A Schedule knows every file that is to be published and decides what is uploaded next. It does no I/O,
// has no clock and no chance of its own, and belongs to one goroutine.
type Schedule struct {
	log      notebook
	host     string
	heldMost int // bytes that large manifests may take
	jitter   jitter
	workers  [2]int // live and bulk
	sources  []*Source

	effects, spare Effects

	lanes    map[*Destination]*lane
	streams  map[streamKey]*stream
	ring     []*stream           // round-robin order
	turn     int                 // index in ring of the stream that is asked first
	inFlight [2]int              // of workers
	sending  map[*file]bool      // chunks that are in flight; false if it is no upload
	loose    map[*file]bool      // of them, those that hang in a file system, and hold no worker any more
	draining bool                // only manifests are started
	began    time.Time           // this run
	rereads  map[*file]time.Time // files that are to be reported again, and when
	jumps    []jump
	rereadAt time.Time // the first of these times, or an earlier one
	unnamed  map[unnamedFile]closing
	figures  figures

	retentions []*retention // of the sources of which something was to be deleted
}

type streamKey struct {
	src  *Source
	name string
}

// The two pools of workers. Large files have their own, so that they never hold up a live chunk.
const (
	livePool = iota
	bulkPool
)

// Settings are what a Schedule is told.
type Settings struct {
	Host        string // this one's name, by which two that write the same objects are told apart
	Workers     int    // jobs in flight at once
	BulkWorkers int    // and besides for recordings
	Manifests   int    // bytes that large manifests may take; 0: see DefaultManifestMemory
	Began       time.Time
	// Jitter returns a random duration that is shorter than the one it is given.
	Jitter func(time.Duration) time.Duration
}

// New returns a Schedule that knows nothing yet.
func New(settings Settings) *Schedule {
	s := &Schedule{
		began:    settings.Began,
		host:     settings.Host,
		heldMost: cmp.Or(settings.Manifests, DefaultManifestMemory),
		jitter:   settings.Jitter,
		workers:  [2]int{livePool: settings.Workers, bulkPool: settings.BulkWorkers},
		lanes:    make(map[*Destination]*lane),
		streams:  make(map[streamKey]*stream),
		sending:  make(map[*file]bool),
		loose:    make(map[*file]bool),
		rereads:  make(map[*file]time.Time),
		unnamed:  make(map[unnamedFile]closing),
	}
	s.log = notebook{&s.effects.Notes}
	return s
}

// file returns the entry for p, made if there is none.
func (s *Schedule) file(src *Source, p string) *file {
	if f, ok := src.files[p]; ok {
		return f
	}
	k := streamKey{src, src.layout.Stream(p)}
	st, ok := s.streams[k]
	if !ok {
		st = &stream{src: src, name: k.name}
		s.streams[k] = st
		s.ring = append(s.ring, st)
	}
	f := &file{src: src, stream: st, path: p}
	if src.layout.Kind(p).Role == media.ManifestFile {
		f.manifest = &manifest{file: f}
		st.manifests = append(st.manifests, f.manifest)
	}
	src.files[p] = f
	st.files++
	return f
}

func (s *Schedule) lane(d *Destination) *lane {
	l, ok := s.lanes[d]
	if !ok {
		l = &lane{dest: d, jitter: s.jitter}
		s.lanes[d] = l
	}
	return l
}

// Next returns the job that is to be started now, if any, and takes it for started. The caller has to end
// each with a call of Done.
func (s *Schedule) Next(now time.Time) (Job, bool) {
	s.readAgain(now)
	s.noteJumps(now)
	if j, ok := s.nextDeletion(now); ok {
		return j, true
	}
	if !s.room(livePool) && !s.room(bulkPool) {
		return Job{}, false
	}
	for i := range s.ring {
		at := (s.turn + i) % len(s.ring)
		st := s.ring[at]
		l := s.lane(st.src.dest)
		if !s.room(st.pool()) || st.inFlight >= s.share(st) || !l.admits(st, now) {
			continue
		}
		c := st.pick(now, s.draining || st.src.stuck, l.closedTo(st))
		f, snap := c.file, c.snapshot
		if f == nil {
			continue
		}
		s.turn = at + 1
		var listing []*file
		switch {
		case snap != nil:
			f.manifest.start(snap)
			if p := f.manifest.published; p != nil && p.sum == snap.sum && !f.manifest.uncertain {
				f.manifest.finish(snap) // it came back to what the bucket holds
				return s.Next(now)
			}
		case c.task == Verify:
			f.manifest.checking = true
			listing = f.manifest.toCheck(now)
		case c.task == List:
			listing = st.takeUncompared()
		default:
			if f.src.bulk() && f.work.task == PutChunk && !f.recording.claim.settles(f.disk.version) {
				f.work.task = Look // no recording replaces another
				c.task = Look
			}
			if f.src.bulk() && c.task == Look {
				c.task = FindKey
			}
			f.work.state = inFlight
			s.sending[f] = f.work.task == PutChunk
		}
		st.inFlight++
		s.inFlight[st.pool()]++
		probe := l.closedTo(st)
		if probe {
			l.probing, l.prober = true, st.src
		}
		return s.job(c, listing, st.failures > 0 || probe, now), true
	}
	return Job{}, false
}

// job returns the job that does c.
func (s *Schedule) job(c choice, listing []*file, fresh bool, now time.Time) Job {
	f := c.file
	j := Job{Task: c.task, Source: f.src, Path: f.path, Key: f.key(), Version: f.disk.version, Candidate: f.work.candidate,
		Claim: f.recording.claim, Refused: f.recording.refused, Spoilt: f.recording.spoilt, FreshConnection: fresh, Started: now, file: f, snapshot: c.snapshot}
	if c.snapshot != nil {
		j.Task = PutManifest
		j.Manifest = Content{c.snapshot.content, c.snapshot.hexSum(), c.snapshot.parsed.TargetDuration}
	}
	for _, l := range listing {
		j.Listing = append(j.Listing, Named{l.path, l.key(), l})
	}
	return j
}

// Reread has p reported again at a time.
func (s *Schedule) Reread(src *Source, p string, at time.Time) { s.reread(s.file(src, p), at) }

// reread has f reported again at a time.
func (s *Schedule) reread(f *file, at time.Time) {
	if len(s.rereads) == 0 || at.Before(s.rereadAt) {
		s.rereadAt = at
	}
	s.rereads[f] = at
}

// readsAgainSoon reports whether something is to be reported again that may be there then.
func (s *Schedule) readsAgainSoon() bool {
	for f := range s.rereads {
		if f.manifest == nil || !f.manifest.refused {
			return true
		}
	}
	return false
}

// readAgain asks for what is to be reported again now.
func (s *Schedule) readAgain(now time.Time) {
	if len(s.rereads) == 0 || now.Before(s.rereadAt) {
		return
	}
	var next time.Time
	for f, at := range s.rereads {
		if now.Before(at) {
			next = earlier(next, at)
			continue
		}
		delete(s.rereads, f)
		f.src.expect(f.path)
	}
	s.rereadAt = next
}

// share is how many workers st may hold at once: one while it is in trouble, and never so many that
// others find none (R9).
func (s *Schedule) share(st *stream) int {
	if st.failures > 0 {
		return 1
	}
	if st.pool() == bulkPool {
		return s.workers[bulkPool]
	}
	return max(1, s.workers[livePool]/4)
}

// room reports whether a worker of the pool is free.
func (s *Schedule) room(pool int) bool { return s.inFlight[pool] < s.workers[pool] }

// Busy reports whether jobs are in flight whose end is waited for.
func (s *Schedule) Busy() bool {
	return slices.Max(s.inFlight[:]) > 0 || s.deletes()
}

// allRefused reports whether every stream that has something to upload to dest was refused.
func (s *Schedule) allRefused(dest *Destination, now time.Time) bool {
	for _, st := range s.ring {
		if st.src.dest == dest && !st.refused {
			if st.pick(now, false, false).file != nil || st.inFlight > 0 {
				return false
			}
		}
	}
	return true
}

// Wake returns when Next may find something that it does not find now, or the zero time if only an
// event can bring it.
func (s *Schedule) Wake(now time.Time) time.Time {
	at := s.wakeForDeletion()
	if !s.draining && len(s.rereads) > 0 {
		at = earlier(at, s.rereadAt)
	}
	for _, j := range s.jumps {
		if !s.draining {
			at = earlier(at, j.dueAt)
		}
	}
	for _, st := range s.ring {
		if !s.room(st.pool()) || st.inFlight >= s.share(st) {
			continue
		}
		l := s.lane(st.src.dest)
		if st.pick(now, s.draining || st.src.stuck, l.closedTo(st)).file != nil && !(l.closedTo(st) && l.probing) {
			at = earlier(at, l.opensFor(st))
		}
		at = earlier(at, st.wake(now, s.draining || st.src.stuck))
	}
	return at
}
