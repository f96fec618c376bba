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

// checkEMS asks the media server for its version, and what it writes to, if the config needs it.
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
		return found, r.say("ems", api.Address(), fmt.Errorf("%w: is EMS running, and api_url in [EMS] right?", err))
	}
	if found, err = timed(ctx, r, "ems", api.Address(), stepTime, api.ListConfig); err != nil {
		return found, r.say("ems", api.Address(), err)
	}
	return found, r.say("ems", fmt.Sprintf("%s: version %s, build %s", api.Address(), version.ReleaseNumber, version.BuildNumber), nil)
}

// found says which directories the media server has for a section without watch_dir.
func (r *report) found(u config.Upload, dirs []string) {
	if len(dirs) == 0 {
		r.hint("outputs", "of EMS for ["+u.Section+"]", "nothing is published from there until EMS has one, which the daemon finds by itself",
			errors.New("EMS writes nothing for this section now, and it has no watch_dir"))
		return
	}
	r.say("outputs", fmt.Sprintf("of EMS for [%s]: %s", u.Section, strings.Join(dirs, ", ")), nil)
}

// checkEvents posts an event to the daemon's endpoint, or, if no daemon runs, to one like it. Whether the media server does,
// it cannot be asked: it is told what to have in its config.
func checkEvents(ctx context.Context, r *report, cfg *config.Config) {
	shown := sinkURL(cfg.Hooks)
	url := shown
	if cfg.Hooks.Secret != "" {
		url, shown = url+cfg.Hooks.Secret.Reveal()+"/", shown+"SECRET/"
	}
	by, err := timed(ctx, r, "events", shown, 2*stepTime, func(ctx context.Context) (string, error) { return selfTest(ctx, cfg.Hooks, url) })
	if !r.say("events", shown+by, err) {
		return
	}
	if cfg.Hooks.Secret == "" && listen.Local(cfg.Hooks.Listen) {
		fmt.Fprintln(r.s.stdout, "                 every user of this host may post events there: if there are others, set secret in [Hooks]")
	}
	with := "these lines"
	if cfg.Hooks.Secret != "" {
		with += ", the secret where SECRET stands,"
	}
	fmt.Fprintf(r.s.stdout, "                 EMS posts its events there if its config.lua has %s and was restarted since:\n\n%s\n", with, configLua(shown))
	fmt.Fprintln(r.s.stdout, "                 EMS numbers the events of all its sinks together: losses are told if all sinks have these enabledEvents")
}

// sinkURL is where the media server is to post to, without the secret. One on this host reaches an address that stands for
// all of them as loopback.
func sinkURL(h config.Hooks) string { return "http://" + reachable(h.Listen) + h.Path }

// selfTest posts an event, and returns who took it in.
func selfTest(ctx context.Context, h config.Hooks, url string) (by string, err error) {
	l, err := net.Listen("tcp", h.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return ", taken in by the daemon", post(ctx, url, "self-test")
	}
	if err != nil {
		return "", fmt.Errorf("[Hooks] listen: %w", err)
	}
	name := "self-test-" + rand.Text()
	arrived := make(chan struct{}, 1)
	endpoint := events.New(events.Settings{Path: h.Path, Allow: h.Allow, Secret: h.Secret.Reveal(), MaxBody: h.MaxBody},
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
			err = errors.New("the event is refused: the address of this host is not in allow[] of [Hooks]")
		}
		return "", err
	}
	select {
	case <-arrived:
		return ", tried without the daemon, which does not run", nil
	case <-ctx.Done():
		return "", errors.New("the event was answered, but did not arrive")
	}
}

// post posts an event that nobody acts on, over no proxy: the URL has the secret in it.
func post(ctx context.Context, url, name string) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	body := fmt.Appendf(nil, `{"id":0,"processId":0,"timestamp":0,"type":"selfTest","payload":{"localStreamName":%q}}`, name)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return errors.New("listen, path and secret of [Hooks] make no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return errors.New("something listens there and does not answer: is allow[] of [Hooks] without this host, " +
			"or does something else have the address of [Hooks]?")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != 0 {
		return fmt.Errorf("the answer is %s: does something else listen there, such as the older services?", resp.Status)
	}
	return nil
}

// configLua returns what EMS's config.lua needs in its eventLogger.
func configLua(url string) string {
	var b strings.Builder
	b.WriteString("eventLogger =\n{\n\tsinks =\n\t{\n\t\t{\n\t\t\ttype = \"RPC\",\n")
	fmt.Fprintf(&b, "\t\t\turl = %q,\n\t\t\tserializerType = \"JSON\",\n\t\t\tenabledEvents =\n\t\t\t{\n", url)
	for _, typ := range hooks.EventTypes() {
		fmt.Fprintf(&b, "\t\t\t\t%q,\n", typ)
	}
	b.WriteString("\t\t\t},\n\t\t},\n\t},\n},\n")
	return b.String()
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
			r.say("balancer", api.Host()+" is this server itself, and left out", nil)
			continue
		}
		version, err := timed(ctx, r, "balancer", api.Address(), stepTime, api.Version)
		if err != nil {
			err = fmt.Errorf("%w: is EMS running there, and does its web server or its API take requests from this host?", err)
		}
		r.say("balancer", strings.TrimSpace(api.Address()+" "+version.ReleaseNumber), err)
	}
}
