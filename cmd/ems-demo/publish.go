package main

import (
	"context"
	"log/slog"

	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
)

// A publication says what goes where.
type publication struct {
	Outputs   []output
	EMS       *mediaServers // they name the directory of each format
	Endpoint  string        // of the S3 server, an http URL
	Bucket    string
	AccessKey string
	SecretKey string
	Admin     string // host:port of the daemon's admin listener, or "" for none
	Log       *slog.Logger
}

// publish runs the daemon until the context ends, and returns when the daemon has drained.
func publish(ctx context.Context, p publication) error {
	// Everything else has the daemon's own defaults.
	cfg, err := config.Parse("demo", nil)
	if err != nil {
		return err
	}
	cfg.Admin.Listen, cfg.Admin.Player = p.Admin, config.PlayerDaemon
	cfg.Uploads = nil
	for _, o := range p.Outputs {
		cfg.Uploads = append(cfg.Uploads, config.Upload{
			Section:   o.layout.Format.Section(),
			Format:    o.layout.Format,
			Bootstrap: o.layout.Bootstrap,
			Bucket:    p.Bucket,
			Access: config.Access{
				Endpoint: p.Endpoint, AccessKey: p.AccessKey, SecretKey: config.Secret(p.SecretKey),
			},
		})
	}
	cfg.EMS.APIURL = config.URI(p.EMS.first.URL())
	cfg.Hooks.On, cfg.Hooks.Listen = true, p.EMS.events
	if p.EMS.second != nil {
		second := config.URI(p.EMS.second.URL())
		cfg.Balancer = &config.Balancer{Destinations: []config.URI{second}, Advertise: "127.0.0.1"}
	}
	d, err := daemon.New(ctx, cfg, "", p.Log)
	if err != nil {
		return err
	}
	return d.Run(ctx, func() {})
}
