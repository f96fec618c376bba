package main

import (
	"context"
	"os"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"ems-sidecar/internal/daemon"
)

type runCommand struct {
	configFlag
}

func (c *runCommand) Run(ctx context.Context, s surroundings) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := newLog(s, cfg.Log)
	log.Info("starting", "version", version(), "config", c.Config)

	systemd := func(state string) {
		if _, err := sdnotify.SdNotify(false, state); err != nil {
			log.Warn("systemd cannot be told", "state", state, "err", err)
		}
	}
	// The daemon is told to end when that has been said.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() {
		log.Info("stopping", "drain_timeout", cfg.Upload.DrainTimeout, "next", "what is in flight is finished; a second signal ends at once")
		systemd(sdnotify.SdNotifyStopping)
		end()
	})()
	d, err := daemon.New(ctx, cfg, os.Getenv("STATE_DIRECTORY"), log)
	if err == nil {
		err = d.Run(running, func() {
			log.Info("ready")
			systemd(sdnotify.SdNotifyReady)
		})
	}
	if err != nil {
		log.Error("ended", "err", err)
		return errSaid
	}
	log.Info("stopped")
	return nil
}
