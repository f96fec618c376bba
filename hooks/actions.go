package hooks

import (
	"log/slog"
	"maps"
	"sync"
)

// An Action is something that a plugin did, and what came of it: "ok", "failed" or "refused".
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
func (a *actions) of(plugin string, log *slog.Logger) *diary {
	return &diary{plugin: plugin, log: log.With("plugin", plugin), actions: a, said: make(map[string]bool)}
}

// A diary logs and counts what one plugin does. Its methods may be called from any goroutine.
type diary struct {
	plugin  string
	log     *slog.Logger
	actions *actions

	saying sync.Mutex
	said   map[string]bool
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

// first reports whether trouble was not said since it was last over.
func (d *diary) first(trouble string) bool {
	d.saying.Lock()
	defer d.saying.Unlock()
	if d.said[trouble] {
		return false
	}
	if len(d.said) == maxTroubles {
		clear(d.said) // rather said twice than never
	}
	d.said[trouble] = true
	return true
}

// maxTroubles bounds what is remembered of what was said: names are the publishers' to choose.
const maxTroubles = 10000

// over reports whether trouble was said, and has it said again if it comes back.
func (d *diary) over(trouble string) bool {
	d.saying.Lock()
	defer d.saying.Unlock()
	was := d.said[trouble]
	delete(d.said, trouble)
	return was
}

// maxShown is how much of a stream's name goes into a log line, in bytes.
const maxShown = 200

// shown is a stream's name for the log.
func shown(name string) slog.Attr {
	if len(name) > maxShown {
		name = name[:maxShown] + "…"
	}
	return slog.String("stream", name)
}
