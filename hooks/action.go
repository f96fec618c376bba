package hooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
)

// An Action is something that a plugin asked a server to do.
type Action struct {
	At       time.Time // when it was asked
	Took     time.Duration
	Plugin   string
	API      string // the address of the server's API, without credentials
	Function string // of the API
	Stream   string // at most the beginning of its name; empty: it is about none
	Done     bool   // the server did it
	Answer   string // what it made, or why it did not; without credentials
}

// asked tells of an action that began at a time: of what the server has made, or of err. What
// cannot be sent to a server, and what was not sent as the plugins end, is no action.
func (d *diary) asked(at time.Time, api *emsapi.Client, function, stream, made string, err error) {
	if d.acted == nil || errors.Is(err, context.Canceled) || errors.Is(err, emsapi.ErrValue) {
		return
	}
	a := Action{At: at, Took: time.Since(at), Plugin: d.plugin, API: api.Address(), Function: function,
		Stream: shown(stream).Value.String(), Done: err == nil, Answer: made}
	if err != nil {
		a.Answer = config.HideURLs(err.Error())
	}
	d.acted(a)
}

// order is what an order is called in an Action.
func order(config uint32) string { return fmt.Sprintf("config %d", config) }

// timer is what a timer is called in an Action.
func timer(id uint32) string { return fmt.Sprintf("timer %d", id) }

// A Server is whether the media server answers.
type Server struct {
	API     string    // the address of its API, without credentials
	Answers bool      // when it was last asked
	Since   time.Time // zero: it was not asked yet
	Err     string    // why it does not
}

// Server may be called from any goroutine.
func (h *Hooks) Server() Server {
	s := Server{API: h.observer.api.Address()}
	if known := h.observer.server.Load(); known != nil {
		s.Answers, s.Since, s.Err = known.Answers, known.Since, known.Err
	}
	return s
}

// answered notes whether the server answers, and why it does not now.
func (o *observer) answered(err error) {
	now := Server{Answers: err == nil, Since: time.Now()}
	if err != nil {
		now.Err = config.HideURLs(err.Error())
	}
	if known := o.server.Load(); known != nil && known.Answers == now.Answers {
		if now.Since = known.Since; now == *known {
			return
		}
	}
	o.server.Store(&now)
}

// Plugins returns the names of the plugins that are on.
func (s Settings) Plugins() []string {
	on := []string{}
	for _, p := range []struct {
		name string
		on   bool
	}{
		{routerName, s.Router != nil}, {recorderName, s.Recorder != nil}, {balancerName, s.Balancer != nil},
		{resetterName, s.Resetter != nil},
	} {
		if p.on {
			on = append(on, p.name)
		}
	}
	return on
}

// The names of the plugins, which are those of their sections in the config.
const (
	routerName   = "StreamAutoRouter"
	recorderName = "StreamRecorder"
	balancerName = "StreamLoadBalancer"
	resetterName = "TranscodeResetter"
)
