// Package daemon builds the daemon out of its parts. It is shared by the command and by the demo.
package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/admin"
	"ems-sidecar/config"
	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/s3store"
	"ems-sidecar/watcher"
)

var formats = map[config.Format]media.Format{
	config.HLS: media.HLS, config.HDS: media.HDS, config.DASH: media.DASH, config.MSS: media.MSS,
	config.Record: media.Recording,
}

// A Daemon publishes what a config asks for. Create it with New, and use Run or Sync, once.
type Daemon struct {
	cfg   *config.Config
	log   *slog.Logger
	up    *uploader.Uploader
	roots roots
	dests []*uploader.Destination
}

// New returns a daemon for cfg. It makes no request, and touches no directory.
func New(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Daemon, error) {
	backend, err := watcher.ParseBackend(cfg.Watcher.Backend)
	if err != nil {
		return nil, err
	}
	d := &Daemon{cfg: cfg, log: log, up: uploader.New(uploader.Settings{
		Host:          hostname(),
		Workers:       cfg.Upload.Workers,
		BulkWorkers:   cfg.Upload.BulkWorkers,
		MinThroughput: cfg.Upload.MinThroughput,
		DrainTimeout:  cfg.Upload.DrainTimeout,
		SpoolDir:      cfg.Upload.SpoolDir,
		SpoolMax:      cfg.Upload.SpoolMax,
	}, log)}
	watch := func(r *root) *watcher.Watcher {
		return watcher.New(r.dir, watcher.Options{
			Backend:      backend,
			Settle:       cfg.Watcher.Settle,
			PollInterval: cfg.Watcher.PollInterval,
			SlowSettle:   r.slowSettle(),
			Quick:        r.isManifest,
			ClosesEarly:  r.closesEarly,
			Unfinished:   r.unfinished,
			Ignore:       r.isAnothers,
			Log:          log,
		})
	}
	for _, u := range cfg.Uploads {
		store, err := OpenStore(ctx, u, cfg.Upload, log)
		if err != nil {
			return nil, fmt.Errorf("[%s]: %w", u.Section, err)
		}
		dest := &uploader.Destination{
			Store:                store,
			Bucket:               u.Bucket,
			Prefix:               u.Prefix,
			CacheControlChunk:    u.CacheControlChunk,
			CacheControlManifest: u.CacheControlManifest,
			ManifestInterval:     u.ManifestInterval,
			DeleteLocal:          u.DeleteLocal,
			DeleteLocalAfter:     u.DeleteLocalAfter,
			SkipBacklog:          u.Backlog == config.SkipBacklog,
			Delete:               u.Delete == config.Mirror,
			DeleteDelay:          u.DeleteDelay,
		}
		d.dests = append(d.dests, dest)
		for _, dir := range u.WatchDirs {
			layout := media.Layout{Format: formats[u.Format], Bootstrap: u.Bootstrap}
			r := d.roots.get(dir, layout, watch)
			r.sources = append(r.sources, d.up.Source(dir, layout, dest, r.watcher))
			log.Info("publishing", "section", u.Section, "root", dir, "bucket", u.Bucket, "prefix", u.Prefix,
				"endpoint", store.Endpoint())
		}
	}
	d.roots.divide()
	return d, nil
}

// Run watches and publishes until ctx ends, and then drains. It calls started once, when every root that exists is
// watched and scanned; a root that does not exist yet is waited for.
func (d *Daemon) Run(ctx context.Context, started func()) error {
	// The admin listener outlives ctx, and tells how the uploader drains.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	parts, ctx := errgroup.WithContext(ctx)
	if d.cfg.Admin.Listen != "" {
		l, err := net.Listen("tcp", d.cfg.Admin.Listen)
		if err != nil {
			return fmt.Errorf("[Admin] listen: %w", err)
		}
		parts.Go(func() error { return admin.Serve(running, l, &state{d.up, d.roots}) })
	}
	parts.Go(func() error { d.roots.started(ctx, started); return nil })
	parts.Go(func() error {
		defer stop()
		return d.publish(ctx)
	})
	return parts.Wait()
}

// publish watches and uploads until ctx ends, and then drains.
func (d *Daemon) publish(ctx context.Context) error {
	roots, ctx := errgroup.WithContext(ctx)
	for _, r := range d.roots {
		roots.Go(func() error { return r.run(ctx) })
	}
	d.up.Run(ctx)
	ended := make(chan error, 1)
	go func() { ended <- roots.Wait() }()
	late := time.NewTimer(leaveTime)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		d.log.Error("a directory is left whose file system does not answer")
		return nil
	}
}

// leaveTime is how long the end waits for a watcher, which ends at once unless a file system does not answer.
const leaveTime = 5 * time.Second

// OpenStore returns the store that the section u asks for. It makes no request to the bucket. The log is for what goes
// wrong without failing a request.
func OpenStore(ctx context.Context, u config.Upload, pool config.Pool, log *slog.Logger) (*s3store.Store, error) {
	return s3store.New(ctx, s3store.Settings{
		Host:                 hostname(),
		Bucket:               u.Bucket,
		Region:               u.Region,
		Endpoint:             u.Endpoint,
		PathStyle:            u.PathStyle,
		AccessKey:            u.AccessKey,
		SecretKey:            u.SecretKey.Reveal(),
		ACL:                  u.ACL,
		StorageClass:         u.StorageClass,
		ServerSideEncryption: u.ServerSideEncryption,
		KMSKeyID:             u.KMSKeyID,
		PartSize:             pool.PartSize,
		MinThroughput:        pool.MinThroughput,
		Connections:          pool.Workers + pool.BulkWorkers,
		Log:                  log,
	})
}

// hostname is what tells our objects from those of other hosts.
func hostname() string {
	host, _ := os.Hostname() // that a host has no name is no reason not to publish
	return host
}
