package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/admin"
	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/hooks"
	"ems-sidecar/hooks/events"
)

// replaceable are the parts that a reload replaces as a whole. The doors belong to those who
// replace, and to Run before and after.
type replaceable struct {
	admin, reactor slot
	doors          doors
}

// newReactor returns what speaks to the media server, or nil if the config does not need it.
func (d *Daemon) newReactor(cfg *config.Config) (*reactor, error) {
	if !cfg.Hooks.On {
		return nil, nil
	}
	r := reactor{trouble: d.trouble.Part()}
	var err error
	if r.api, err = API(cfg.EMS); err != nil {
		return nil, fmt.Errorf("[EMS] api_url: %w", err)
	}
	s := hooks.Settings{
		Host: hostname(), APIHost: r.api.Host(), Interval: cfg.EMS.ReconcileInterval, Timeout: cfg.EMS.Timeout,
		Router: cfg.Router, Recorder: cfg.Recorder, Balancer: cfg.Balancer, Resetter: cfg.Resetter, Hint: d.Hint,
		Trouble: r.trouble, Acted: d.noteAction,
	}
	r.plugins = s.Plugins()
	if cfg.AsksEMS() {
		s.Outputs = d.Outputs
	}
	if r.hooks, err = hooks.New(r.api, s, d.log); err != nil {
		return nil, err
	}
	r.events = events.New(events.Settings{
		Path: cfg.Hooks.Path, Allow: cfg.Hooks.Allow, Secret: cfg.Hooks.Secret.Reveal(), MaxBody: cfg.Hooks.MaxBody,
		Wanted: hooks.Wanted, Trouble: r.trouble,
	}, r.hooks.Handle, r.hooks.Look, d.log)
	return &r, nil
}

// API returns a client of the config's media server. It makes no request.
func API(ems config.EMS) (*emsapi.Client, error) {
	return emsapi.New(emsapi.Settings{URL: ems.APIURL.Reveal(), Username: ems.Username, Password: ems.Password.Reveal(),
		Timeout: ems.Timeout})
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

// adminPart returns the part for operators and their tools, at its door. It shuts left, the door that
// nothing needs any more once it runs.
func (d *Daemon) adminPart(cfg *config.Config, at, left *door) (part, error) {
	settings, err := AdminSettings(cfg.Admin, d.log)
	if err != nil {
		return nil, err
	}
	switch cfg.Admin.Player {
	case config.PlayerDaemon:
		settings.Store = &state{d}
	default:
		settings.Media = cfg.Admin.Player
	}
	if cfg.Admin.Hints {
		settings.Look = d.hints.give
	}
	return servedAt(at, left, func(ctx context.Context) error {
		return admin.Serve(ctx, at, settings, &state{d}, d.log)
	}), nil
}

// reactorPart is adminPart for what speaks to the media server; r may be nil.
func (d *Daemon) reactorPart(cfg *config.Config, r *reactor, at, left *door) part {
	return servedAt(at, left, func(ctx context.Context) error {
		d.log.Info("listening for events", "listen", at.Addr(), "path", cfg.Hooks.Path, "api", r.api.Address())
		defer r.trouble.ForgetAll() // another one may follow, or none
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error { return r.events.Serve(ctx, at) })
		parts.Go(func() error { return r.hooks.Run(ctx) })
		parts.Go(func() error { r.tellReactions(ctx, d.log); return nil })
		return parts.Wait()
	})
}

// servedAt returns a part that serves at a door. Without one it does nothing.
func servedAt(at, left *door, serve part) part {
	return func(ctx context.Context) error {
		left.shut()
		if at == nil {
			<-ctx.Done()
			return nil
		}
		if err := at.enter(); err != nil {
			return err
		}
		return serve(ctx)
	}
}
