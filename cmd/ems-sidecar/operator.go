package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
)

// debugTime is how long a signal has the log show everything.
const debugTime = 10 * time.Minute

// signals are those by which an operator has a daemon do something, besides ending it. By default,
// each would end the process. Of several of a kind that wait, one remains.
type signals struct {
	hangups chan os.Signal // read the config again
	debug   chan os.Signal // log everything for a while
}

func listenForSignals() signals {
	s := signals{make(chan os.Signal, 1), make(chan os.Signal, 1)}
	signal.Notify(s.hangups, syscall.SIGHUP)
	if debugSignal != nil {
		signal.Notify(s.debug, debugSignal)
	}
	return s
}

func (s signals) stop() {
	signal.Stop(s.hangups)
	signal.Stop(s.debug)
}

// An operator does what signals ask for.
type operator struct {
	signals signals
	load    func() (*config.Config, error)
	daemon  *daemon.Daemon
	log     *logbook
	level   slog.Level // that the config asks for
	debug   *time.Timer
	systemd systemd
	working context.Context // ends when the daemon is to stop
}

// run acts on signals until ctx ends. A reload waits until the daemon has started.
func (o *operator) run(ctx context.Context, started <-chan struct{}) {
	o.debug = time.NewTimer(debugTime)
	o.debug.Stop()
	defer o.debug.Stop()
	debugging := false
	var hangups <-chan os.Signal
	for {
		select {
		case <-ctx.Done():
			return
		case <-started:
			started, hangups = nil, o.signals.hangups
		case <-hangups:
			o.reload()
			if debugging {
				o.log.level.Set(min(o.level, slog.LevelDebug))
			}
		case <-o.signals.debug:
			debugging = true
			o.debug.Reset(debugTime)
			o.log.level.Set(min(o.level, slog.LevelDebug))
			o.log.Warn("debug logging is on", "until", time.Now().Add(debugTime).UTC().Format(time.RFC3339), "next",
				"the level of the config holds again then; another SIGUSR1 makes it ten minutes from then on")
		case <-o.debug.C:
			debugging = false
			o.log.Warn("debug logging has ended", "level", o.level)
			o.log.level.Set(o.level)
		}
	}
}

// reload has the daemon apply the config file as it is now.
func (o *operator) reload() {
	ends := o.working.Err() != nil // then systemd waits for the end only
	if !ends {
		o.systemd.reloading()
	}
	o.log.Info("reloading the config")
	if cfg, err := o.daemon.Reload(o.load); err == nil {
		o.level = cfg.Log.Level
		o.log.apply(cfg.Log)
	}
	if !ends {
		o.systemd.tell(sdnotify.SdNotifyReady)
	}
}
