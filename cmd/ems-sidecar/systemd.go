package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"
)

// systemd is told how the service fares. Without systemd, nothing happens.
type systemd struct{ log *slog.Logger }

func (s systemd) tell(state string) {
	if _, err := sdnotify.SdNotify(false, state); err != nil {
		s.log.Warn("notifying systemd failed", "state", state, "err", err)
	}
}

// reloading says that the config is being read. The time tells an answer to this reload from one to
// the reload before (Type=notify-reload).
func (s systemd) reloading() {
	s.tell(sdnotify.SdNotifyReloading + "\n" + sdnotify.SdNotifyMonotonicUsec())
}

// statusEvery is how often the status is sent, if it has changed.
const statusEvery = time.Second

// showStatus sends what status returns whenever it has changed, until ctx ends.
func (s systemd) showStatus(ctx context.Context, status func(context.Context) (string, bool)) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now, ok := status(ctx); ok && now != last {
			last = now
			s.tell("STATUS=" + now)
		}
	}
}

// watchdogInterval returns how long systemd waits for a sign of life, or 0 for ever.
func (s systemd) watchdogInterval() time.Duration {
	interval, err := sdnotify.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Warn("the watchdog of systemd is off", "err", err)
	}
	return interval
}

// feedWatchdog sends a sign of life several times in each interval, for as long as moving returns
// nil, until ctx ends.
func (s systemd) feedWatchdog(ctx context.Context, interval time.Duration, moving func(context.Context) error) {
	every := interval / 4
	tick := time.NewTicker(every)
	defer tick.Stop()
	hangs := false
	for {
		asking, cancel := context.WithTimeout(ctx, every)
		err := moving(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			s.tell(sdnotify.SdNotifyWatchdog)
			if hangs {
				s.log.Error("the daemon moves again")
			}
		case !hangs:
			s.log.Error("the daemon hangs", "err", err, "next", "if it goes on, systemd's watchdog ends the service and "+
				"starts it again", "watchdog", interval)
		}
		hangs = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
