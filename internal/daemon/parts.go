package daemon

import (
	"context"
	"errors"
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
	admin, reactor         slot
	adminDoor, reactorDoor *door
}

func (p *replaceable) shut() {
	p.adminDoor.shut()
	p.reactorDoor.shut()
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

// adminPart returns the part for operators and their tools, and its door: current, if the address is
// the same, else a new one. The part shuts current if it does not use it.
func (d *Daemon) adminPart(cfg *config.Config, current *door) (part, *door, error) {
	settings, err := AdminSettings(cfg.Admin, d.log)
	if err != nil {
		return nil, nil, err
	}
	switch cfg.Admin.Player {
	case config.PlayerDaemon:
		settings.Store = &state{d}
	default:
		settings.Media = cfg.Admin.Player
	}
	door, err := current.movedTo(cfg.Admin.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("[Admin] listen: %w", err)
	}
	return servedAt(door, current, func(ctx context.Context) error {
		return admin.Serve(ctx, door, settings, &state{d}, d.log)
	}), door, nil
}

// reactorPart is adminPart for what speaks to the media server; r may be nil.
func (d *Daemon) reactorPart(cfg *config.Config, r *reactor, current *door) (part, *door, error) {
	address := cfg.Hooks.Listen
	if r == nil {
		address = ""
	}
	door, err := current.movedTo(address)
	switch {
	case errors.Is(err, errOwnPort):
		return nil, nil, fmt.Errorf("[Hooks] listen: %w", err)
	case err != nil:
		return nil, nil, fmt.Errorf("[Hooks] listen: %w (do the older services still run?)", err)
	}
	return servedAt(door, current, func(ctx context.Context) error {
		d.log.Info("listening for events", "listen", door.Addr(), "path", cfg.Hooks.Path, "api", r.api.Address())
		defer r.trouble.ForgetAll() // another one may follow, or none
		parts, ctx := errgroup.WithContext(ctx)
		parts.Go(func() error { return r.events.Serve(ctx, door) })
		parts.Go(func() error { return r.hooks.Run(ctx) })
		parts.Go(func() error { r.tellReactions(ctx, d.log); return nil })
		return parts.Wait()
	}), door, nil
}

// servedAt returns a part that serves at a door. Without one it does nothing.
func servedAt(door, former *door, serve part) part {
	return func(ctx context.Context) error {
		if former != door {
			former.shut()
		}
		if door == nil {
			<-ctx.Done()
			return nil
		}
		if err := door.enter(); err != nil {
			return err
		}
		return serve(ctx)
	}
}
