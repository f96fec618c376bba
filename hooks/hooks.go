// Package hooks gives the media server the orders that the config asks for: push and record
// streams, balance them over a group, and reset transcodes that hang.
//
// It compares what the server has with what the config wants: at the start, at each interval, and
// when an event says that something changed. Then it orders what is missing. So a lost event costs
// time, and nothing else. The package events receives events.
package hooks

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/hooks/events"
	"ems-sidecar/internal/backoff"
	"ems-sidecar/internal/trouble"
)

// Settings say which plugins run. A nil one is off.
type Settings struct {
	Host     string        // the name of this host
	APIHost  string        // the host of the API of our own server
	Interval time.Duration // between two reconciliations
	Timeout  time.Duration // of one request to the API of another server

	Router   *config.Router
	Recorder *config.Recorder
	Balancer *config.Balancer
	Resetter *config.Resetter

	Trouble *trouble.Reporter // whose Sweep the caller calls; nil: one of its own

	Outputs func(emsapi.Config)           // is called with the server's config at each look; may be nil
	Hint    func(context.Context, string) // is called with each file that an event names; may be nil
	// Acted is called with each action, by the goroutine of a plugin, several at once. It must not
	// block. Nil: no one is told.
	Acted func(Action)
}

// A plugin orders at the server what is missing there.
type plugin interface {
	// act compares what the server has with what the config wants, and orders what is missing. It
	// returns after what time it wants to be called again if nothing happens before; 0: at the next
	// interval.
	act(ctx context.Context, v *view) time.Duration
}

// Hooks are the plugins of one server. Create them with New.
type Hooks struct {
	settings Settings
	observer *observer
	plugins  []plugin
	resetter *resetter     // nil: off
	done     atomic.Uint64 // see Figures.Done
}

// New returns the plugins that s has. It makes no request.
func New(api *emsapi.Client, s Settings, log *slog.Logger) (*Hooks, error) {
	if s.Trouble == nil {
		s.Trouble = trouble.New(log, time.Now)
	}
	jitter := backoff.Jitter(rand.N[time.Duration])
	h := &Hooks{settings: s, observer: newObserver(api, s.Interval, log, s.Trouble, jitter)}
	hosts := newAddressBook(s.Trouble, s.APIHost)
	if s.Router != nil {
		d := h.diary(routerName, log)
		h.plugins = append(h.plugins, newRouter(api, s.Router, hosts, d, jitter))
	}
	if s.Recorder != nil {
		d := h.diary(recorderName, log)
		h.plugins = append(h.plugins, newRecorder(api, s.Recorder, s.Interval, d, jitter))
	}
	if s.Balancer != nil {
		members, err := newMembers(s.Balancer, s, hosts, h.diary(balancerName, log), jitter)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			h.plugins = append(h.plugins, m)
		}
	}
	if s.Resetter != nil {
		h.resetter = newResetter(api, s.Resetter, h.diary(resetterName, log))
		h.plugins = append(h.plugins, h.resetter)
	}
	return h, nil
}

func (h *Hooks) diary(plugin string, log *slog.Logger) *diary {
	d := newDiary(plugin, log, h.settings.Trouble, &h.done)
	d.acted = h.settings.Acted
	return d
}

// Asks reports whether anything needs to know what the media server has.
func (h *Hooks) Asks() bool { return len(h.plugins) > 0 || h.settings.Outputs != nil }

// Run works until ctx ends.
func (h *Hooks) Run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	var mailboxes []chan *view
	for _, p := range h.plugins {
		mailbox := make(chan *view, 1)
		mailboxes = append(mailboxes, mailbox)
		parts.Go(func() error { h.follow(ctx, p, mailbox); return nil })
	}
	if h.Asks() {
		parts.Go(func() error {
			h.observer.run(ctx, func(v *view) {
				if h.settings.Outputs != nil {
					h.settings.Outputs(v.config)
				}
				for _, m := range mailboxes {
					select {
					case <-m: // one that is too slow sees the newest
					default:
					}
					m <- v
				}
			})
			return nil
		})
	}
	return parts.Wait()
}

// follow has p act on each view.
func (h *Hooks) follow(ctx context.Context, p plugin, views <-chan *view) {
	again := time.NewTimer(0)
	again.Stop()
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			h.observer.look()
		case v := <-views:
			again.Stop()
			if d := p.act(ctx, v); d > 0 {
				again.Reset(d)
			}
		}
	}
}

// Look asks for a comparison of the server with the config soon. It does not block, and may be
// called from any goroutine. The reason is for the log.
func (h *Hooks) Look(reason string) {
	h.observer.log.Debug("asking the media server what it has", "reason", reason)
	h.observer.look()
}

// Handle does what an event asks for. It does not wait for the server, and may be called from any
// goroutine.
func (h *Hooks) Handle(ctx context.Context, e events.Event) {
	look := false
	switch reactionTo(e.Type) {
	case looks:
		look = true
	case looksIfOurs:
		look = concerns(&e.Stream)
	case looksAtFeeds:
		look = h.resetter != nil && h.resetter.stopped(e)
	case hints:
		if e.File != "" && h.settings.Hint != nil {
			h.settings.Hint(ctx, e.File)
		}
	}
	if look {
		h.Look(string(e.Type))
	}
}

// concerns reports whether an outbound stream is of an order of ours, or of another server of the
// group: viewers come and go, and orders of others may fail each second.
func concerns(s *emsapi.Stream) bool {
	switch {
	case s.Push != nil:
		return s.Push.Variables[mark] != ""
	case s.Record != nil:
		return s.Record.Variables[mark] != ""
	}
	return s.UserAgent == playerAgent
}
