package main

import (
	"fmt"
	"log/slog"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
)

// checkAdmin reads the certificate of the admin listener.
func checkAdmin(r *report, cfg config.Admin) {
	if cfg.Listen == "" || cfg.TLSCert == "" {
		return
	}
	s, err := daemon.AdminSettings(cfg, slog.New(slog.DiscardHandler))
	if err == nil && time.Now().After(s.TLS.Expires()) {
		err = fmt.Errorf("tls_cert of [Admin] expired at %s", s.TLS.Expires().Format(time.RFC3339))
	}
	r.say("admin", "https://"+cfg.Listen, err)
}
