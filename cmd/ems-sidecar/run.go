package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"ems-sidecar/internal/daemon"
)

type runCommand struct {
	configFlag
}

func (c *runCommand) Run(ctx context.Context, s surroundings) error {
	// From the beginning: by default, the signal would end the process silently, which systemd
	// counts as a clean exit.
	hangups := make(chan os.Signal, 8)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := openLog(s, cfg.Log)
	defer log.flush()
	defer logHangups(hangups, log.Logger)()
	log.Info("starting", "version", daemon.Version(), "config", c.Config)
	for _, w := range cfg.Warnings {
		log.Warn("config", "err", w.String(), "next",
			"the start goes on; if others can read secrets, it does not with [Security] strict = on")
	}

	systemd := func(state string) {
		if _, err := sdnotify.SdNotify(false, state); err != nil {
			log.Warn("notifying systemd failed", "state", state, "err", err)
		}
	}
	// The daemon ends after the log and systemd know that it stops.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() {
		log.Info("stopping", "drain_timeout", cfg.Upload.DrainTimeout, "next",
			"streams that end now are published to their end, and uploads in progress finish; "+
				"a second signal ends the process at once")
		systemd(sdnotify.SdNotifyStopping)
		end()
	})()
	d, err := daemon.New(ctx, cfg, os.Getenv("STATE_DIRECTORY"), log.Logger)
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

// logHangups logs each hangup until stop is called. Log rotation, closed terminals and "systemctl
// kill -s HUP" send them.
func logHangups(hangups <-chan os.Signal, log *slog.Logger) (stop func()) {
	ended := make(chan struct{})
	var logging sync.WaitGroup
	logging.Go(func() {
		for {
			select {
			case <-hangups:
				log.Warn("SIGHUP is ignored", "err", "the config is read at the start only",
					"next", "everything goes on as before; restart the service to read the config")
			case <-ended:
				return
			}
		}
	})
	return func() { close(ended); logging.Wait() }
}
