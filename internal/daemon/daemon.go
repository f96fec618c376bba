// Package daemon builds the daemon from its parts, for the command and for the demo.
package daemon

import (
	"context"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/hooks"
	"ems-sidecar/hooks/events"
	"ems-sidecar/internal/history"
	"ems-sidecar/internal/metrics"
	"ems-sidecar/internal/paths"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
	"ems-sidecar/watcher"
)

// A Daemon does what a config asks for. Create it with New, and use Run or Sync, once.
type Daemon struct {
	cfg      atomic.Pointer[config.Config] // see config
	log      *slog.Logger
	backend  watcher.Backend
	up       *uploader.Uploader
	roots    roots
	sections sections
	naming   sync.Mutex // is held by those who change what is published: the media server's answers, and a reload
	limits   Limits     // guarded by naming, once the daemon runs
	trouble  *trouble.Reporter
	ems      mediaServer
	parts    replaceable
	reloads  reloads
	hints    hints

	discovery discovery
	records   records
}

// A discovery is what is known of the directories that the media server names.
type discovery struct {
	found    chan *root    // new ones, while the daemon runs
	left     chan struct{} // closed when found is not read any more
	memory   memory
	refusals list // why some are not published
}

// Records are what is kept for operators.
type records struct {
	metrics *metrics.Metrics
	past    past
	paths   *paths.Book
	actions actions
}

// config returns the config that holds now.
func (d *Daemon) config() *config.Config { return d.cfg.Load() }

// A mediaServer is how the daemon deals with the media server.
type mediaServer struct {
	asked atomic.Bool // it has said where it writes
	now   atomic.Pointer[reactor]
}

// A reactor is what speaks to the media server. There is none if no plugin and no section needs it.
type reactor struct {
	api     *emsapi.Client
	plugins []string // the names of those that are on
	hooks   *hooks.Hooks
	events  *events.Endpoint
	trouble *trouble.Reporter // of both
}

// A past is what the daemon knows of what happened.
type past struct {
	began  time.Time
	events *history.History
	dir    string // for what is to survive a restart; empty: there is none
}

// New returns a daemon for cfg. The daemon keeps notes in the directory state, or none if that is
// empty. New makes no request, and touches no watched directory.
func New(ctx context.Context, cfg *config.Config, state string, log *slog.Logger) (*Daemon, error) {
	backend, err := watcher.ParseBackend(cfg.Watcher.Backend)
	if err != nil {
		return nil, err
	}
	reporter := trouble.New(log, time.Now)
	d := &Daemon{log: log, trouble: reporter, backend: backend,
		hints:     newHints(),
		parts:     replaceable{admin: newSlot(), reactor: newSlot()},
		discovery: discovery{found: make(chan *root), left: make(chan struct{})},
		records: records{
			paths: paths.New(time.Now()), past: past{began: time.Now(), events: history.New(time.Now), dir: state},
		},
	}
	d.cfg.Store(cfg)
	reporter.Tell(d.noteTrouble)
	d.records.metrics = d.newMetrics()
	d.up = uploader.New(uploader.Settings{
		Host:          hostname(),
		Workers:       cfg.Upload.Workers,
		BulkWorkers:   cfg.Upload.BulkWorkers,
		MinThroughput: cfg.Upload.MinThroughput,
		DrainTimeout:  cfg.Upload.DrainTimeout,
		SpoolDir:      cfg.Upload.SpoolDir,
		SpoolMax:      cfg.Upload.SpoolMax,
		Manifests:     manifestMemory(debug.SetMemoryLimit(-1)),
		Incomplete:    cfg.AsksEMS(),
		Trouble:       reporter,
		Changed:       d.noteChange,
		Observe:       d.noteStep,
	}, log)
	d.limits = NewLimits(cfg, state)
	d.loadHistory()
	var fresh []*root
	for _, u := range cfg.Uploads {
		s, err := d.newSection(ctx, u, cfg.Upload)
		if err != nil {
			return nil, err
		}
		d.sections.add(s)
		for _, dir := range u.WatchDirs {
			fresh = s.publishFrom(dir, scope{kind: whole}, fresh)
		}
	}
	d.begin(d.remembered(state, fresh))
	r, err := d.newReactor(cfg)
	d.ems.now.Store(r)
	return d, err
}

// manifestMemory returns how many bytes large manifests may take: a third of limit, which is that
// of the process. 0: there is no limit.
func manifestMemory(limit int64) int {
	if limit == math.MaxInt64 {
		return 0
	}
	return int(limit / 3)
}

// Run works until ctx ends and live streams have ended, and then drains. It calls started once:
// when every root of the config that exists is watched and scanned, or after 10 s. It waits for a
// root that does not exist yet, and for the media server.
func (d *Daemon) Run(ctx context.Context, started func()) error {
	first := d.roots.list() // before anything runs that finds others
	// The admin listener outlives ctx: it answers while the uploader drains.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	watching, leave := context.WithCancel(running)
	defer leave()
	told := ctx
	parts, ctx := errgroup.WithContext(ctx)
	cfg := d.config()
	opened, err := doors{}.movedTo(cfg)
	if err != nil {
		return err
	}
	d.parts.doors = opened
	defer func() { d.parts.doors.shutUnless(doors{}) }()
	front, err := d.adminPart(cfg, opened.admin, nil)
	if err != nil {
		return err
	}
	react := d.reactorPart(cfg, d.ems.now.Load(), opened.reactor, nil)
	parts.Go(func() error { return d.parts.admin.run(running, front) })
	parts.Go(func() error { return d.parts.reactor.run(ctx, react) })
	defer d.reloads.close()
	parts.Go(func() error { d.keepHistory(running); return nil })
	parts.Go(func() error { boundGarbage(running); return nil })
	parts.Go(func() error {
		late, ok := d.roots.started(ctx)
		for _, dir := range late {
			d.trouble.Report(notScanned, trouble.At{Subject: dir}, "root", dir, "lasted", startLimit,
				"next", "the start does not wait for it; /readyz does")
		}
		if ok {
			d.reloads.open(ctx)
			started()
		}
		return nil
	})
	parts.Go(func() error {
		defer leave()
		<-ctx.Done()
		if told.Err() != nil { // and no part has failed
			d.seeOff(running)
		}
		return nil
	})
	parts.Go(func() error {
		defer stop()
		return d.publish(watching, first)
	})
	return parts.Wait()
}

// publish watches the first roots and those that are found later, and uploads until ctx ends. Then
// it drains.
func (d *Daemon) publish(ctx context.Context, first []*root) error {
	roots, ctx := errgroup.WithContext(ctx)
	begin := func(r *root) {
		roots.Go(func() error { return d.tend(ctx, r) })
	}
	for _, r := range first {
		begin(r)
	}
	roots.Go(func() error { d.sweep(ctx); return nil })
	roots.Go(func() error { d.hints.follow(ctx, d.rescan); return nil })
	roots.Go(func() error {
		defer close(d.discovery.left)
		for {
			select {
			case <-ctx.Done():
				return nil
			case r := <-d.discovery.found:
				begin(r)
			}
		}
	})
	links := d.limits.links // all limits have the same
	d.up.Run(ctx)
	for _, s := range d.sections.list() {
		s.store.Close()
	}
	d.trouble.Sweep() // what repeated while it drained
	ended := make(chan error, 1)
	go func() {
		err := roots.Wait()
		links.calls.Wait()
		for _, s := range d.sections.list() {
			s.store.former.Wait()
		}
		ended <- err
	}()
	late := time.NewTimer(leaveTime)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		d.trouble.Report(leftBehind, trouble.At{}, "next", "the daemon ends without it")
		return nil
	}
}

// tend has a root do its work until ctx ends, or the root is not published any more.
func (d *Daemon) tend(ctx context.Context, r *root) error {
	defer close(r.ended)
	defer d.forgetTrouble(r)
	parts, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	parts.Go(func() error {
		select {
		case <-r.quit:
			stop()
		case <-ctx.Done():
		}
		return nil
	})
	parts.Go(func() error { return r.run(ctx, func() []*place { return d.roots.placesOf(r) }) })
	parts.Go(func() error { d.follow(ctx, r); return nil })
	parts.Go(func() error { r.reportStuck(ctx, &d.roots); return nil })
	return parts.Wait()
}

// sweepEvery is how often repeated failures are summed up.
const sweepEvery = time.Minute

// sweep sums up repeated failures and forgets what has ended, until ctx ends.
func (d *Daemon) sweep(ctx context.Context) {
	defer d.trouble.Sweep()
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.trouble.Sweep()
			d.forgetPaths(ctx, time.Now())
		}
	}
}

// leaveTime is how long the end waits for the watchers. They end at once, unless a file system does
// not answer.
const leaveTime = 5 * time.Second
