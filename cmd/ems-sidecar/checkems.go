package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/hooks"
	"ems-sidecar/hooks/events"
	"ems-sidecar/internal/daemon"
	"ems-sidecar/internal/listen"
)

// checkEMS asks the media server for its version and its directories, if the config needs it.
func checkEMS(ctx context.Context, r *report, cfg *config.Config) (found emsapi.Config, ok bool) {
	if !cfg.Reacts() && !cfg.AsksEMS() {
		return found, false
	}
	api, err := daemon.API(cfg.EMS)
	if err != nil {
		return found, r.say("ems", cfg.EMS.APIURL.String(), err)
	}
	version, err := timed(ctx, r, "ems", api.Address(), stepTime, api.Version)
	if err != nil {
		return found, r.say("ems", api.Address(), advise(err, "is EMS running, and is api_url in [EMS] right?"))
	}
	if found, err = timed(ctx, r, "ems", api.Address(), stepTime, api.ListConfig); err != nil {
		return found, r.say("ems", api.Address(), err)
	}
	which := fmt.Sprintf("%s: version %s, build %s", api.Address(), version.ReleaseNumber, version.BuildNumber)
	return found, r.say("ems", which, nil)
}

// found prints which directories the media server has for a section without watch_dir.
func (r *report) found(u config.Upload, places []place) {
	if len(places) == 0 {
		r.hint("outputs", "of EMS for ["+u.Section+"]",
			"nothing is published for it until EMS has an output, which the daemon finds by itself",
			errors.New("EMS writes nothing for this section now, and it has no watch_dir"))
		return
	}
	var dirs []string
	for _, p := range places {
		dirs = append(dirs, p.dir)
	}
	r.say("outputs", fmt.Sprintf("of EMS for [%s]: %s", u.Section, strings.Join(dirs, ", ")), nil)
}

// checkEvents posts an event to the daemon's endpoint, or if no daemon runs, to one like it.
func checkEvents(ctx context.Context, r *report, cfg *config.Config) {
	shown := sinkURL(cfg.Hooks)
	url := shown
	if cfg.Hooks.Secret != "" {
		url, shown = url+cfg.Hooks.Secret.Reveal()+"/", shown+"SECRET/"
	}
	by, err := timed(ctx, r, "events", shown, 2*stepTime, func(ctx context.Context) (string, error) {
		return selfTest(ctx, cfg.Hooks, url)
	})
	if !r.say("events", shown+by, err) {
		return
	}
	if cfg.Hooks.Secret == "" && listen.Local(cfg.Hooks.Listen) {
		r.more("every user of this host may post events there: if others use it, set secret in [Hooks]")
	}
	r.more("whether EMS posts its events there cannot be asked: \"ems-sidecar config lua\" prints the lines that " +
		"its config.lua needs")
}

// sinkURL is where the media server must post its events, without the secret. An address for all of
// this host's addresses is reached as loopback.
func sinkURL(h config.Hooks) string { return "http://" + reachable(h.Listen) + h.Path }

// selfTest posts an event, and returns who accepted it.
func selfTest(ctx context.Context, h config.Hooks, url string) (by string, err error) {
	l, err := net.Listen("tcp", h.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return ", accepted by the daemon", post(ctx, url, "self-test")
	}
	if err != nil {
		return "", fmt.Errorf("[Hooks] listen: %w", err)
	}
	name := "self-test-" + rand.Text()
	arrived := make(chan struct{}, 1)
	settings := events.Settings{Path: h.Path, Allow: h.Allow, Secret: h.Secret.Reveal(), MaxBody: h.MaxBody}
	endpoint := events.New(settings,
		func(_ context.Context, e events.Event) {
			if e.Name == name {
				arrived <- struct{}{}
			}
		}, func(string) {}, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithTimeout(ctx, stepTime)
	defer stop()
	serving, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- endpoint.Serve(serving, l) }()
	defer func() {
		end()
		err = errors.Join(err, <-ended)
	}()
	if err := post(ctx, url, name); err != nil {
		if endpoint.Figures().Refused > 0 && len(h.Allow) > 0 {
			err = advise(errors.New("the event is refused"), "the address of this host is not in allow[] of [Hooks]")
		}
		return "", err
	}
	select {
	case <-arrived:
		return ", tested without the daemon, which is not running", nil
	case <-ctx.Done():
		return "", errors.New("the event was answered and did not arrive")
	}
}

// post posts an event of a type without meaning, and not over a proxy: the URL has the secret in
// it.
func post(ctx context.Context, url, name string) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	const event = `{"id":0,"processId":0,"timestamp":0,"type":"selfTest","payload":{"localStreamName":%q}}`
	body := fmt.Appendf(nil, event, name)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return errors.New("listen, path and secret of [Hooks] are not a URL together")
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return advise(errors.New("something listens there and does not answer"),
			"is this host missing in allow[] of [Hooks], or does another program have the address of [Hooks]?")
	}
	defer resp.Body.Close()
	switch ours := resp.Header.Get("Server") == listen.Server; {
	case resp.StatusCode == http.StatusOK && ours:
		return nil
	case resp.StatusCode == http.StatusOK:
		err = errors.New("another program has the port, so that the daemon would get no events: it accepts them itself")
	default:
		err = fmt.Errorf("the answer is %s", resp.Status)
	}
	return advise(err, "does another program listen there, such as the older services?")
}

// checkMembers asks each destination of the balancer for its version.
func checkMembers(ctx context.Context, r *report, cfg *config.Config) {
	for _, destination := range cfg.Balancer.Destinations {
		api, err := hooks.MemberAPI(cfg.Balancer, destination, cfg.EMS.Timeout)
		if err != nil {
			r.say("balancer", destination.String(), err)
			continue
		}
		if hooks.IsOwn(ctx, api.Host(), cfg.EMS.APIURL, cfg.Balancer.Advertise) {
			r.say("balancer", api.Host()+" is this server itself, and is left out", nil)
			continue
		}
		version, err := timed(ctx, r, "balancer", api.Address(), stepTime, api.Version)
		if err != nil {
			err = advise(err, "is EMS running there, and does its web server or its API accept requests from this host?")
		}
		r.say("balancer", strings.TrimSpace(api.Address()+" "+version.ReleaseNumber), err)
	}
}
