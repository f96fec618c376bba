package uploader

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader/publish"
	"ems-sidecar/uploader/spool"
)

// Settings configure an Uploader.
type Settings struct {
	Host          string        // the name of this host: tells apart two writers of the same objects
	Workers       int           // requests in flight at a time
	BulkWorkers   int           // more for recordings
	MinThroughput int64         // bytes per second: a slower attempt is given up
	DrainTimeout  time.Duration // for what is in flight when the context of Run ends
	SpoolDir      string        // for the spools of all sources; empty: in the root of each
	SpoolMax      int64         // bytes of deleted files that spools keep on one file system; 0: see spool.DefaultMax
	Manifests     int           // bytes that large manifests may take; 0: see publish.DefaultManifestMemory
	Incomplete    bool          // more sources are added while Run works
	// Trouble is told of failures. The caller calls its Sweep. Nil: the Uploader has one of its
	// own.
	Trouble *trouble.Reporter
	// Changed is told when a stream has another state. It is called by the goroutine of Run, which
	// waits for it; nil: no one is told.
	Changed func(Change)
	// Observe is told of each step of each file. It is called by the goroutine of Run, which waits
	// for it: it must not block, nor call a method of the Uploader or a Source. Nil: no one is told,
	// and steps cost nothing.
	Observe func(Step)
}

// A Step is one step of a file on its way from the disk into the bucket. Its time is set.
type Step = publish.Step

// A Destination is where and how a Source is published. Only Change changes it while it is in use.
type Destination struct {
	publish.Destination
	Store                Store
	CacheControlChunk    string // instead of what the kind of the file asks for
	CacheControlManifest string
	PublicURL            string // where players find the roots: addresses, separated by white space
	RewriteURLs          bool   // HLS, DASH: addresses of the roots' own files become relative

	now   atomic.Pointer[terms] // nil: no Source has it yet
	races races
}

// An Uploader publishes what its Sources report. Create it with New, run it with Run.
type Uploader struct {
	settings      Settings
	log           *slog.Logger
	began         time.Time
	inbox         chan func(*publish.Schedule, time.Time)
	done          chan struct{} // closed when Run returns
	bulk          chan struct{} // has an item when a source of recordings was added
	budget        *spool.Budget
	workers       sync.WaitGroup // all goroutines of Run, which waits for them
	attempts      attempts
	archive       *archivist
	start         func(*Source) // set by Run, for its goroutine
	sweep         func()        // of the reporter, if that is the Uploader's own
	minThroughput atomic.Int64
	drainBy       time.Time // when Run ends at the latest; zero: after DrainTimeout; for its goroutine

	roster roster
}

// A roster has the sources of an Uploader.
type roster struct {
	sync.Mutex // guards what follows
	sources    []*Source
	running    bool
	owners     map[*publish.Source]*Source // those that were started
}

// New returns an Uploader. It does nothing before Run.
func New(settings Settings, log *slog.Logger) *Uploader {
	sweep := func() {}
	if settings.Trouble == nil {
		settings.Trouble = trouble.New(log, time.Now)
		sweep = settings.Trouble.Sweep
	}
	u := &Uploader{
		sweep:    sweep,
		settings: settings,
		log:      log,
		began:    time.Now(),
		inbox:    make(chan func(*publish.Schedule, time.Time)),
		done:     make(chan struct{}),
		bulk:     make(chan struct{}, 1),
		budget:   spool.NewBudget(settings.SpoolMax, 0),
		roster:   roster{owners: make(map[*publish.Source]*Source)},
	}
	u.minThroughput.Store(settings.MinThroughput)
	u.archive = newArchivist(u)
	return u
}

// all returns the sources so far.
func (u *Uploader) all() []*Source {
	u.roster.Lock()
	defer u.roster.Unlock()
	return u.roster.sources
}

// sourceOf returns the source of which plan is the schedule's part.
func (u *Uploader) sourceOf(plan *publish.Source) *Source {
	u.roster.Lock()
	defer u.roster.Unlock()
	return u.roster.owners[plan]
}

// add adds a source, also while Run works.
func (u *Uploader) add(src *Source) {
	u.budget.Join()
	src.spool.Budget = u.budget
	u.roster.Lock()
	u.roster.sources = append(slices.Clip(u.roster.sources), src) // callers of all may still use the former list
	running := u.roster.running
	u.roster.Unlock()
	if running {
		u.tell(context.Background(), func(*publish.Schedule, time.Time) { u.start(src) })
	}
	if src.bulk() {
		select {
		case u.bulk <- struct{}{}:
		default:
		}
	}
}

// tell has the goroutine of Run call do with the schedule. It returns false if Run has ended.
func (u *Uploader) tell(ctx context.Context, do func(*publish.Schedule, time.Time)) bool {
	select {
	case u.inbox <- do:
		return true
	case <-u.done:
		return false
	case <-ctx.Done():
		return false
	}
}

// Run publishes until ctx ends. Then it finishes what is in flight and the manifests that need
// nothing else, for Settings.DrainTimeout at most. It may be called once.
func (u *Uploader) Run(ctx context.Context) {
	defer u.sweep()
	defer close(u.done)
	defer u.leave()
	ended := make(chan struct{})
	defer close(ended)
	work, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	s := u.begin(ctx, work)
	results := make(chan publish.Result, u.settings.Workers+u.settings.BulkWorkers)
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	judging := time.NewTicker(judgeEvery)
	defer judging.Stop()
	disks := time.NewTicker(diskCheck)
	defer disks.Stop()
	summary := summary{log: u.log, trouble: u.settings.Trouble}
	stop := ctx.Done()
	var drained <-chan time.Time

	for {
		now := time.Now()
		u.startJobs(work, s, now, results, ended)
		if s.Drained(now) {
			s.NoteLeft(now)
			u.carryOut(work, s.Effects())
			u.archive.finish(drained)
			return
		}
		wake := timeTo(s.Wake(now), now)
		u.carryOut(work, s.Effects())
		select {
		case do := <-u.inbox:
			do(s, time.Now())
		case r := <-results:
			s.Done(r, time.Now())
		case <-wake:
		case <-judging.C:
			s.Judge(time.Now())
		case <-disks.C:
			u.watchDisks(s, time.Now())
		case <-minute.C:
			s.Sweep(time.Now())
			summary.write(u.figures(s, time.Now()), s.Views(), time.Now())
			s.NextMinute()
			u.sweep()
		case <-stop:
			stop = nil
			s.Drain()
			drained = u.drainEnd()
		case <-drained:
			s.NoteLeft(time.Now())
			u.carryOut(work, s.Effects())
			return
		}
		u.carryOut(work, s.Effects())
	}
}

// begin returns a schedule with the sources so far, and starts the goroutines that run beside it.
// Those end with ctx, the spools with work.
func (u *Uploader) begin(ctx, work context.Context) *publish.Schedule {
	u.workers.Go(func() { u.abortAbandoned(ctx) })
	u.workers.Go(func() { u.warnOfStrays(ctx) })
	u.workers.Go(func() { u.watchUnfinished(ctx) })
	u.workers.Go(func() { u.archive.run(work) })
	u.workers.Go(func() { u.expireArchives(ctx) })
	s := publish.New(publish.Settings{Host: u.settings.Host, Workers: u.settings.Workers,
		BulkWorkers: u.settings.BulkWorkers,
		Manifests:   u.settings.Manifests, Began: time.Now(), Jitter: rand.N[time.Duration],
		Observed: u.settings.Observe != nil})
	u.start = func(src *Source) {
		src.plan = s.Add(src.dir, src.layout, &src.dest.Destination, u.settings.SpoolDir != "")
		u.roster.Lock()
		u.roster.owners[src.plan] = src
		u.roster.Unlock()
		u.workers.Go(func() { src.spool.Run(work) })
	}
	u.roster.Lock()
	u.roster.running = true
	first := u.roster.sources
	u.roster.Unlock()
	for _, src := range first {
		u.start(src)
	}
	return s
}

// startJobs has workers do what can be done now. After ended is closed, no one waits for their
// results.
func (u *Uploader) startJobs(work context.Context, s *publish.Schedule, now time.Time,
	results chan<- publish.Result, ended <-chan struct{}) {
	for j, ok := s.Next(now); ok; j, ok = s.Next(now) {
		src := u.sourceOf(j.Source)
		u.workers.Go(func() {
			r := u.do(work, src, j)
			select {
			case results <- r:
			case <-ended:
			}
		})
	}
}

// timeTo returns a channel that receives at the time; for the zero time, never.
func timeTo(at, now time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	return time.After(at.Sub(now))
}

// drainEnd returns a channel that receives when Run ends at the latest.
func (u *Uploader) drainEnd() <-chan time.Time {
	if u.drainBy.IsZero() {
		u.drainBy = time.Now().Add(u.settings.DrainTimeout)
	}
	return time.After(time.Until(u.drainBy))
}
