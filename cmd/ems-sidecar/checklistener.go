package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"ems-sidecar/config"
)

// checkListener tests whether the port of the admin listener is free for the daemon, or the daemon
// has it already.
func checkListener(ctx context.Context, r *report, cfg config.Admin) {
	if cfg.Listen == "" {
		return
	}
	which := cfg.Listen
	l, err := net.Listen("tcp", cfg.Listen)
	switch {
	case err == nil:
		err = l.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		err = try(ctx, r, "admin", which, stepTime, func(ctx context.Context) error { return healthz(ctx, cfg) })
		if err == nil {
			which += ", where the daemon answers"
			break
		}
		err = advise(fmt.Errorf("another program has the port, so that the daemon would not start (%w)", err),
			"change [Admin] listen, or end that program")
	default:
		err = fmt.Errorf("[Admin] listen: %w", err)
	}
	r.say("admin", which, err)
}

// healthz returns an error if no daemon answers at the admin listener.
func healthz(ctx context.Context, cfg config.Admin) error {
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+reachable(cfg.Listen)+"/healthz", nil)
	if err != nil {
		return err
	}
	if token := cfg.Token.Reveal(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// Not over a proxy, which would learn the token. The certificate may be for another name than
	// this address.
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("GET /healthz is answered %s", resp.Status)
	}
	return nil
}

// reachable returns an address at which this host reaches the listener.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
