package uploader

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"ems-sidecar/uploader/spool"
)

// Settings are what an Uploader can be told.
type Settings struct {
	Host          string        // this one's name, by which two that write the same objects are told apart
	Workers       int           // requests in flight at once
	BulkWorkers   int           // and besides for recordings
	MinThroughput int64         // bytes per second: an attempt slower than this is given up
	DrainTimeout  time.Duration // for what is in flight when Run is told to end
	SpoolDir      string        // for the spools of all sources; empty: in the root of each
	SpoolMax      int64         // bytes of deleted files that spools keep on one file system; 0: see spool.DefaultMax
	Manifests     int           // bytes that large manifests may take; 0: see DefaultManifestMemory
	Incomplete    bool          // more sources come while Run is going
}

// A Destination is where and how a Source is published. Its fields are not changed once it is in use.
type Destination struct {
	Store                Store
	Bucket               string // for messages
	Prefix               string // of every key
	SkipBacklog          bool   // chunks that EMS has deleted, and no manifest names any more, are not uploaded
	CacheControlChunk    string // instead of what the kind of the file asks for
	CacheControlManifest string
	ManifestInterval     time.Duration // least time between two PUTs of one manifest
	DeleteLocal          bool          // recordings: delete the file, once compared with its object
	DeleteLocalAfter     time.Duration // and how long after its upload
	Delete               bool          // an object, so long after its file was deleted; not recordings
	DeleteDelay          time.Duration
}

// An Uploader publishes what its Sources report. Create it with New, run it with Run.
type Uploader struct {
	settings Settings
	log      *slog.Logger
	inbox    chan func(*schedule, time.Time)
	done     chan struct{} // closed when Run returns
	bulk     chan struct{} // holds one when there is another source of recordings
	budget   *spool.Budget
	start    func(*Source) // while Run is going; for its goroutine

	adding  sync.Mutex // guards what follows
	sources []*Source
	running bool
}

// New returns an Uploader that does nothing until it is run.
func New(settings Settings, log *slog.Logger) *Uploader {
	return &Uploader{
		settings: settings,
		log:      log,
		inbox:    make(chan func(*schedule, time.Time)),
		done:     make(chan struct{}),
		bulk:     make(chan struct{}, 1),
		budget:   spool.NewBudget(settings.SpoolMax, 0),
	}
}

// all returns the sources that there are now.
func (u *Uploader) all() []*Source {
	u.adding.Lock()
	defer u.adding.Unlock()
	return u.sources
}

// add takes in a source, also while Run is going.
func (u *Uploader) add(src *Source) {
	u.budget.Join()
	src.spool.Budget = u.budget
	u.adding.Lock()
	u.sources = append(slices.Clip(u.sources), src) // who has the former list goes on with it
	running := u.running
	u.adding.Unlock()
	if running {
		u.tell(context.Background(), func(*schedule, time.Time) { u.start(src) })
	}
	if src.bulk() {
		select {
		case u.bulk <- struct{}{}:
		default:
		}
	}
}

// tell has the goroutine of Run do something with the schedule. It reports false if that has ended.
func (u *Uploader) tell(ctx context.Context, do func(*schedule, time.Time)) bool {
	select {
	case u.inbox <- do:
		return true
	case <-u.done:
		return false
	case <-ctx.Done():
		return false
	}
}

// Figures returns the current figures, or false once Run has ended.
func (u *Uploader) Figures(ctx context.Context) (f Figures, ok bool) {
	answer := make(chan Figures, 1)
	ok = u.tell(ctx, func(s *schedule, now time.Time) { answer <- s.snapshotFigures(u.all(), now) })
	if ok {
		f = <-answer
	}
	return f, ok
}

// Run publishes until ctx ends, and then finishes what is in flight and the manifests that need nothing
// else, for Settings.DrainTimeout at most. It may be called once.
func (u *Uploader) Run(ctx context.Context) {
	defer close(u.done)
	var workers sync.WaitGroup
	defer u.leave(&workers)
	ended := make(chan struct{})
	defer close(ended)
	work, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	workers.Go(func() { u.abortAbandoned(ctx) })
	workers.Go(func() { u.warnOfStrays(ctx) })
	workers.Go(func() { u.watchUnfinished(ctx) })
	u.start = func(src *Source) { workers.Go(func() { src.spool.Run(work) }) }
	u.adding.Lock()
	u.running = true
	first := u.sources
	u.adding.Unlock()
	for _, src := range first {
		u.start(src)
	}

	s := newSchedule(u.settings.Workers, u.settings.BulkWorkers, time.Now(), u.log)
	s.host = u.settings.Host
	s.heldMost = cmp.Or(u.settings.Manifests, s.heldMost)
	results := make(chan result, u.settings.Workers+u.settings.BulkWorkers)
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	disks := time.NewTicker(diskCheck)
	defer disks.Stop()
	summary := summary{log: u.log}
	stop := ctx.Done()
	var drained <-chan time.Time

	for {
		now := time.Now()
		for j, ok := s.next(now); ok; j, ok = s.next(now) {
			workers.Go(func() {
				r := u.do(work, j)
				select {
				case results <- r:
				case <-ended: // nobody waits for what was left behind
				}
			})
		}
		if s.draining && !s.busy() && s.wake(now).IsZero() {
			s.logLeft()
			return
		}
		var wake <-chan time.Time
		if at := s.wake(now); !at.IsZero() {
			wake = time.After(at.Sub(now))
		}
		select {
		case do := <-u.inbox:
			do(s, time.Now())
		case r := <-results:
			s.done(r, time.Now())
		case <-wake:
		case <-disks.C:
			s.watchDisks(u.all(), time.Now())
		case <-minute.C:
			s.sweep(time.Now())
			summary.write(s.snapshotFigures(u.all(), time.Now()))
			s.figures.lags = nil
		case <-stop:
			s.draining, stop = true, nil
			if s.drainBy.IsZero() {
				s.drainBy = time.Now().Add(u.settings.DrainTimeout)
			}
			drained = time.After(time.Until(s.drainBy))
		case <-drained:
			s.logLeft()
			return
		}
	}
}

// summary writes one line a minute: what happened since the line before, and what is left to do.
type summary struct {
	log  *slog.Logger
	last Figures
}

func (y *summary) write(f Figures) {
	y.log.Info("last minute", "streams", f.Live, "chunks", f.Chunks-y.last.Chunks,
		"manifests", f.Manifests-y.last.Manifests, "bytes", f.Bytes-y.last.Bytes,
		"lag_p50", f.LagP50.Round(time.Millisecond), "lag_p99", f.LagP99.Round(time.Millisecond),
		"queue", f.Queue, "waiting_manifests", f.Waiting,
		"skipped", f.Skipped-y.last.Skipped, "failures", f.Failures-y.last.Failures, "lost", f.Lost-y.last.Lost, "unwritten", f.Unwritten-y.last.Unwritten,
		"unfinished", f.Unfinished-y.last.Unfinished, "deleted", f.Deleted-y.last.Deleted,
		"found", f.Found-y.last.Found, "conflicts", f.Conflicts-y.last.Conflicts, "spool_bytes", f.SpoolBytes)
	y.last = f
}

// logLeft says what is not done when the uploader ends.
func (s *schedule) logLeft() {
	s.noteJumps(time.Now().Add(unseenGrace))
	chunks, manifests := 0, 0
	var first string
	for f, isUpload := range s.sending {
		if isUpload {
			chunks++
			first = f.key()
		}
	}
	for _, st := range s.ring {
		for _, f := range slices.Concat(st.pending, st.uncompared) {
			if f.state == queued && (f.task == upload || f.task == compare) && !f.early {
				chunks++
				first = f.key()
			}
		}
		for _, m := range st.manifests {
			if len(m.waiting) > 0 {
				manifests++
				first = m.file.key()
			}
		}
	}
	if chunks+manifests == 0 {
		s.log.Info("everything that was closed is published")
		return
	}
	s.log.Warn("stopped before everything was published", "chunks", chunks, "manifests", manifests,
		"one_of_them", first, "next", "the next start goes on with them, also with what is deleted from the disk until then")
}
