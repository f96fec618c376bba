package uploader

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"ems-sidecar/media"
)

// The schedule knows every file that is to be published and decides what is uploaded next. It does no
// I/O, has no clock and no chance of its own, and belongs to one goroutine.
type schedule struct {
	log      *slog.Logger
	host     string
	heldMost int // bytes that large manifests may take
	jitter   jitter
	workers  [2]int // live and bulk

	lanes    map[*Destination]*lane
	streams  map[streamKey]*stream
	ring     []*stream           // round-robin order
	turn     int                 // index in ring of the stream that is asked first
	inFlight [2]int              // of workers
	sending  map[*file]bool      // chunks that are in flight; false if it is no upload
	loose    map[*file]bool      // of them, those that hang in a file system, and hold no worker any more
	draining bool                // only manifests are started
	drainBy  time.Time           // when the end does not wait any more; zero: Settings.DrainTimeout decides
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

func newSchedule(workers, bulkWorkers int, began time.Time, log *slog.Logger) *schedule {
	return &schedule{
		log:      log,
		began:    began,
		heldMost: DefaultManifestMemory,
		jitter:   rand.N[time.Duration],
		workers:  [2]int{livePool: workers, bulkPool: bulkWorkers},
		lanes:    make(map[*Destination]*lane),
		streams:  make(map[streamKey]*stream),
		sending:  make(map[*file]bool),
		loose:    make(map[*file]bool),
		rereads:  make(map[*file]time.Time),
		unnamed:  make(map[unnamedFile]closing),
	}
}

// file returns the entry for p, made if there is none.
func (s *schedule) file(src *Source, p string) *file {
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

func (s *schedule) lane(d *Destination) *lane {
	l, ok := s.lanes[d]
	if !ok {
		l = &lane{dest: d, jitter: s.jitter}
		s.lanes[d] = l
	}
	return l
}

// next returns the job that is to be started now, if any, and takes it for started.
func (s *schedule) next(now time.Time) (job, bool) {
	s.readAgain(now)
	s.noteJumps(now)
	if j, ok := s.nextDeletion(now); ok {
		return j, true
	}
	if !s.room(livePool) && !s.room(bulkPool) {
		return job{}, false
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
				return s.next(now)
			}
		case c.task == verify:
			f.manifest.checking = true
			listing = f.manifest.toCheck(now)
		case c.task == list:
			listing = st.takeUncompared()
		default:
			if f.src.bulk() && f.task == upload && !f.claim.settles(f.version) {
				f.task = look // no recording replaces another
				c.task = look
			}
			f.state = inFlight
			s.sending[f] = f.task == upload
		}
		st.inFlight++
		s.inFlight[st.pool()]++
		probe := l.closedTo(st)
		if probe {
			l.probing, l.prober = true, st.src
		}
		return job{file: f, version: f.version, snapshot: snap, task: c.task, listing: listing, candidate: f.candidate,
			claim: f.claim, fresh: st.failures > 0 || probe, started: now}, true
	}
	return job{}, false
}

// reread has f reported again at a time.
func (s *schedule) reread(f *file, at time.Time) {
	if len(s.rereads) == 0 || at.Before(s.rereadAt) {
		s.rereadAt = at
	}
	s.rereads[f] = at
}

// readsAgainSoon reports whether something is to be reported again that may be there then.
func (s *schedule) readsAgainSoon() bool {
	for f := range s.rereads {
		if f.manifest == nil || !f.manifest.refused {
			return true
		}
	}
	return false
}

// readAgain asks for what is to be reported again now.
func (s *schedule) readAgain(now time.Time) {
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
		f.src.expecter.Expect(f.path)
	}
	s.rereadAt = next
}

// share is how many workers st may hold at once: one while it is in trouble, and never so many that
// others find none (R9).
func (s *schedule) share(st *stream) int {
	if st.failures > 0 {
		return 1
	}
	if st.pool() == bulkPool {
		return s.workers[bulkPool]
	}
	return max(1, s.workers[livePool]/4)
}

// room reports whether a worker of the pool is free.
func (s *schedule) room(pool int) bool { return s.inFlight[pool] < s.workers[pool] }

func (s *schedule) busy() bool {
	return slices.Max(s.inFlight[:]) > 0 || s.deletes()
}

// allRefused reports whether every stream that has something to upload to dest was refused.
func (s *schedule) allRefused(dest *Destination, now time.Time) bool {
	for _, st := range s.ring {
		if st.src.dest == dest && !st.refused {
			if st.pick(now, false, false).file != nil || st.inFlight > 0 {
				return false
			}
		}
	}
	return true
}

// wake returns when next may find something that it does not find now, or the zero time if only an
// event can bring it.
func (s *schedule) wake(now time.Time) time.Time {
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
