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
	// From now on: the default would end the process without a word, and systemd counts that as a clean exit.
	hangups := make(chan os.Signal, 8)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log, flush := openLog(s, cfg.Log)
	defer flush()
	defer logHangups(hangups, log)()
	log.Info("starting", "version", version(), "config", c.Config)
	for _, w := range cfg.Warnings {
		log.Warn("config", "err", w, "next", "the start goes on; where others can read secrets, with [Security] strict = on it would not")
	}

	systemd := func(state string) {
		if _, err := sdnotify.SdNotify(false, state); err != nil {
			log.Warn("systemd cannot be told", "state", state, "err", err)
		}
	}
	// The daemon is told to end when that has been said.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() {
		log.Info("stopping", "drain_timeout", cfg.Upload.DrainTimeout, "next",
			"streams that end now are published to their end, and what is in flight is finished; a second signal ends at once")
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

// logHangups logs each hangup, until the function that it returns is called. Log rotation, a terminal
// that is closed and "systemctl kill -s HUP" send them.
func logHangups(hangups <-chan os.Signal, log *slog.Logger) (stop func()) {
	ended := make(chan struct{})
	var logging sync.WaitGroup
	logging.Go(func() {
		for {
			select {
			case <-hangups:
				log.Warn("SIGHUP is ignored", "err", "the config is read at the start only", "next", "all goes on as before; restart the service to read the config")
			case <-ended:
				return
			}
		}
	})
	return func() { close(ended); logging.Wait() }
}
