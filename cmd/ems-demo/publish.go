package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
)

// A publication says what goes where.
type publication struct {
	Outputs   []output
	EMS       *mediaServers // they name the directory of each format; nil: it is Root, and no media server is asked
	Root      string
	Endpoint  string // of the S3 server, an http URL
	Bucket    string
	AccessKey string
	SecretKey string
	Admin     string // host:port of the daemon's admin listener, or "" for none
	Log       *slog.Logger
}

// publish runs the daemon until the context ends, and returns when the daemon has drained.
func publish(ctx context.Context, p publication) error {
	cfg, err := p.config()
	if err != nil {
		return err
	}
	cfg.Admin.Listen, cfg.Admin.Player = p.Admin, config.PlayerDaemon
	if p.EMS != nil {
		cfg.EMS.APIURL = config.URI(p.EMS.first.URL())
		cfg.Hooks.On, cfg.Hooks.Listen = true, p.EMS.events
		if p.EMS.second != nil {
			second := config.URI(p.EMS.second.URL())
			cfg.Balancer = &config.Balancer{Destinations: []config.URI{second}, Advertise: "127.0.0.1"}
		}
	}
	d, err := daemon.New(ctx, cfg, "", p.Log)
	if err != nil {
		return err
	}
	return d.Run(ctx, func() {})
}

// config returns one in which all that is not the demo's has the daemon's own defaults.
func (p publication) config() (*config.Config, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "[S3]\nendpoint = '%s'\ndefault_bucket = '%s'\naws_access_key = '%s'\naws_secret_key = '%s'\n",
		p.Endpoint, p.Bucket, p.AccessKey, p.SecretKey)
	for _, o := range p.Outputs {
		if p.EMS == nil {
			fmt.Fprintf(&b, "[%s]\nwatch_dir = '%s'\n", o.layout.Format, p.Root)
			continue
		}
		fmt.Fprintf(&b, "[%s]\n", o.layout.Format.OlderSection()) // EMS says where it writes
	}
	return config.Parse("demo", []byte(b.String()))
}
