// Package daemon builds the daemon from its parts, for the command and for the demo.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/admin"
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
	cfg      *config.Config
	log      *slog.Logger
	backend  watcher.Backend
	up       *uploader.Uploader
	roots    roots
	sections []*section
	found    chan *root    // roots that EMS names while the daemon runs
	left     chan struct{} // closed when found is not read any more
	memory   memory
	limits   Limits
	trouble  *trouble.Reporter
	metrics  *metrics.Metrics
	past     past
	paths    *paths.Book
	actions  actions
	refusals list // why directories that the media server names are not published
	ems      mediaServer
}

// A mediaServer is how the daemon deals with the media server.
type mediaServer struct {
	asked   atomic.Bool      // it has said where it writes
	api     *emsapi.Client   // nil: nothing needs it
	plugins []string         // the names of those that are on
	hooks   *hooks.Hooks     // nil: no plugin and no section needs the media server
	events  *events.Endpoint // nil: as hooks
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
	d := &Daemon{cfg: cfg, log: log, trouble: reporter, backend: backend, found: make(chan *root),
		left:  make(chan struct{}),
		paths: paths.New(), past: past{began: time.Now(), events: history.New(time.Now), dir: state}}
	reporter.Tell(d.noteTrouble)
	d.metrics = d.newMetrics()
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
		s, err := d.newSection(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("[%s]: %w", u.Section, err)
		}
		d.sections = append(d.sections, s)
		for _, dir := range u.WatchDirs {
			fresh = s.publishFrom(dir, scope{kind: whole}, fresh)
		}
	}
	d.begin(d.remembered(state, fresh))
	return d, d.react()
}

// manifestMemory returns how many bytes large manifests may take: a third of limit, which is that
// of the process. 0: there is no limit.
func manifestMemory(limit int64) int {
	if limit == math.MaxInt64 {
		return 0
	}
	return int(limit / 3)
}

// react builds the parts that speak to the media server, if the config needs them.
func (d *Daemon) react() (err error) {
	cfg := d.cfg
	if !cfg.Hooks.On {
		return nil
	}
	if d.ems.api, err = API(cfg.EMS); err != nil {
		return fmt.Errorf("[EMS] api_url: %w", err)
	}
	s := hooks.Settings{
		Host: hostname(), APIHost: d.ems.api.Host(), Interval: cfg.EMS.ReconcileInterval, Timeout: cfg.EMS.Timeout,
		Router: cfg.Router, Recorder: cfg.Recorder, Balancer: cfg.Balancer, Resetter: cfg.Resetter, Hint: d.Hint,
		Trouble: d.trouble, Acted: d.noteAction,
	}
	d.ems.plugins = s.Plugins()
	if cfg.AsksEMS() {
		s.Outputs = d.Outputs
	}
	if d.ems.hooks, err = hooks.New(d.ems.api, s, d.log); err != nil {
		return err
	}
	d.ems.events = events.New(events.Settings{
		Path: cfg.Hooks.Path, Allow: cfg.Hooks.Allow, Secret: cfg.Hooks.Secret.Reveal(), MaxBody: cfg.Hooks.MaxBody,
		Wanted: hooks.Wanted, Trouble: d.trouble,
	}, d.ems.hooks.Handle, d.ems.hooks.Look, d.log)
	return nil
}

// API returns a client of the config's media server. It makes no request.
func API(ems config.EMS) (*emsapi.Client, error) {
	return emsapi.New(emsapi.Settings{URL: ems.APIURL.Reveal(), Username: ems.Username, Password: ems.Password.Reveal(),
		Timeout: ems.Timeout})
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
	if d.cfg.Admin.Listen != "" {
		l, err := net.Listen("tcp", d.cfg.Admin.Listen)
		if err != nil {
			return fmt.Errorf("[Admin] listen: %w", err)
		}
		settings, err := AdminSettings(d.cfg.Admin, d.log)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		switch d.cfg.Admin.Player {
		case config.PlayerDaemon:
			settings.Store = &state{d}
		default:
			settings.Media = d.cfg.Admin.Player
		}
		parts.Go(func() error { return admin.Serve(running, l, settings, &state{d}, d.log) })
	}
	if d.ems.events != nil {
		l, err := net.Listen("tcp", d.cfg.Hooks.Listen)
		if err != nil {
			stop()
			return errors.Join(fmt.Errorf("[Hooks] listen: %w (do the older services still run?)", err), parts.Wait())
		}
		d.log.Info("listening for events", "listen", l.Addr(), "path", d.cfg.Hooks.Path, "api", d.ems.api.Address())
		parts.Go(func() error { return d.ems.events.Serve(ctx, l) })
		parts.Go(func() error { return d.ems.hooks.Run(ctx) })
		parts.Go(func() error { d.tellReactions(ctx); return nil })
	}
	parts.Go(func() error { d.keepHistory(running); return nil })
	parts.Go(func() error {
		late, ok := d.roots.started(ctx)
		for _, dir := range late {
			d.trouble.Report(notScanned, trouble.At{Subject: dir}, "root", dir, "lasted", startLimit,
				"next", "the start does not wait for it; /readyz does")
		}
		if ok {
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

// AdminSettings returns who may ask the admin listener. It reads the certificate that the config
// names, if any.
func AdminSettings(cfg config.Admin, log *slog.Logger) (s admin.Settings, err error) {
	s = admin.Settings{Names: []string{hostname()}, Allow: cfg.Allow, Token: cfg.Token.Reveal()}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil {
		s.Names = append(s.Names, host)
	}
	if cfg.TLSCert != "" {
		s.TLS, err = admin.LoadCertificate(cfg.TLSCert, cfg.TLSKey, log)
	}
	return s, err
}

// publish watches the first roots and those that are found later, and uploads until ctx ends. Then
// it drains.
func (d *Daemon) publish(ctx context.Context, first []*root) error {
	roots, ctx := errgroup.WithContext(ctx)
	begin := func(r *root) {
		roots.Go(func() error { return r.run(ctx) })
		roots.Go(func() error { d.follow(ctx, r); return nil })
		roots.Go(func() error { r.reportStuck(ctx, d.trouble, &d.roots); return nil })
	}
	for _, r := range first {
		begin(r)
	}
	roots.Go(func() error { d.sweep(ctx); return nil })
	roots.Go(func() error {
		defer close(d.left)
		for {
			select {
			case <-ctx.Done():
				return nil
			case r := <-d.found:
				begin(r)
			}
		}
	})
	d.up.Run(ctx)
	for _, s := range d.sections {
		s.store.Close()
	}
	d.trouble.Sweep() // what repeated while it drained
	ended := make(chan error, 1)
	go func() {
		err := roots.Wait()
		d.limits.links.calls.Wait()
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
