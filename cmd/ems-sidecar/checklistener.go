package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"ems-sidecar/config"
	"ems-sidecar/internal/listen"
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

// healthz returns an error if no daemon answers at the admin listener. The token goes only to the one
// who has the certificate of the config: another program may have the port.
func healthz(ctx context.Context, cfg config.Admin) error {
	client, err := adminClient(cfg)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, client.URL+"/healthz", nil)
	if err != nil {
		return err
	}
	if cfg.TLSCert != "" && client.Token != "" {
		req.Header.Set("Authorization", "Bearer "+client.Token)
	}
	resp, err := client.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	defer client.HTTP.CloseIdleConnections()
	ours := resp.Header.Get("Server") == listen.Server
	switch resp.StatusCode {
	case http.StatusOK, http.StatusServiceUnavailable:
		if ours {
			return nil
		}
	case http.StatusUnauthorized:
		if ours && client.Token != "" {
			return nil // it asks for the token
		}
	}
	return fmt.Errorf("GET /healthz is answered %s, and not by ems-sidecar", resp.Status)
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
