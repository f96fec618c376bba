package main

import (
	"context"
	"os"
	"sync"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"github.com/spf13/cobra"

	"ems-sidecar/internal/daemon"
)

type runCommand struct {
	configFlag
}

func (c *runCommand) define(p *program) *cobra.Command {
	return c.take(p.command("run", "Publish the directories and act on EMS's events, until SIGTERM.", c.Run))
}

func (c *runCommand) Run(ctx context.Context, s surroundings) error {
	// From the beginning: by default, a signal would end the process silently, which systemd counts
	// as a clean exit.
	signals := listenForSignals()
	defer signals.stop()
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := openLog(s, cfg.Log)
	defer log.flush()
	log.Info("starting", "version", daemon.Version(), "config", c.Config)
	for _, w := range cfg.Warnings {
		log.Warn("config", "err", w.String(), "next",
			"the start goes on; if others can read secrets, it does not with [Security] strict = on")
	}
	d, err := daemon.New(ctx, cfg, os.Getenv("STATE_DIRECTORY"), log.Logger)
	if err != nil {
		log.Error("the daemon cannot run", "err", err, "hint", "ems-sidecar check tells more")
		return errSaid
	}
	notify := systemd{log.Logger}
	started := make(chan struct{})
	o := &operator{signals: signals, load: c.load, daemon: d,
		log: log, level: cfg.Log.Level, systemd: notify, working: ctx}
	defer beside(
		adaptProcessors,
		func(ctx context.Context) { o.run(ctx, started) },
		func(ctx context.Context) { notify.showStatus(ctx, d.Status) },
		func(ctx context.Context) {
			if interval := notify.watchdogInterval(); interval > 0 {
				notify.feedWatchdog(ctx, interval, d.Moving)
			}
		},
	)()
	// The daemon ends after the log and systemd know that it stops.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() {
		log.Info("stopping", "drain_timeout", d.DrainTimeout(), "next",
			"streams that end now are published to their end, and uploads in progress finish; "+
				"a second signal ends the process at once")
		notify.tell(sdnotify.SdNotifyStopping)
		end()
	})()
	err = d.Run(running, func() {
		log.Info("ready")
		notify.tell(sdnotify.SdNotifyReady)
		close(started)
	})
	if err != nil {
		log.Error("the daemon cannot run", "err", err, "hint", "ems-sidecar check tells more")
		return errSaid
	}
	log.Info("stopped")
	return nil
}

// beside runs functions until stop is called, which waits for them.
func beside(run ...func(context.Context)) (stop func()) {
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, f := range run {
		running.Go(func() { f(ctx) })
	}
	return func() { end(); running.Wait() }
}
