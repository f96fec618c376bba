package hooks

import (
	"log/slog"
	"maps"
	"sync"

	"ems-sidecar/internal/trouble"
)

// An Action is something that a plugin did, and its result: "ok", "failed", "conflict", "double" or
// "dropped".
type Action struct{ Plugin, Result string }

// actions counts what plugins do.
type actions struct {
	counted sync.Mutex
	counts  map[Action]uint64
}

func newActions() *actions { return &actions{counts: make(map[Action]uint64)} }

// Actions returns how often each action was taken since the start.
func (h *Hooks) Actions() map[Action]uint64 {
	h.actions.counted.Lock()
	defer h.actions.counted.Unlock()
	return maps.Clone(h.actions.counts)
}

// of returns the diary of one plugin.
func (a *actions) of(plugin string, log *slog.Logger, t *trouble.Reporter) *diary {
	return &diary{plugin: plugin, log: log.With("plugin", plugin), Reporter: t.With("plugin", plugin), actions: a}
}

// A diary logs and counts what one plugin does. Its methods may be called from any goroutine.
type diary struct {
	plugin  string
	log     *slog.Logger
	actions *actions
	*trouble.Reporter
}

// did counts one action and returns err.
func (d *diary) did(err error) error {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	d.count(result)
	return err
}

func (d *diary) count(result string) {
	d.actions.counted.Lock()
	defer d.actions.counted.Unlock()
	d.actions.counts[Action{d.plugin, result}]++
}

// shown is a stream's name for the log.
func shown(name string) slog.Attr {
	if len(name) > maxShown {
		name = name[:maxShown] + "…"
	}
	return slog.String("stream", name)
}
