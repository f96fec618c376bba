package hooks

import (
	"log/slog"
	"slices"
	"sync/atomic"

	"ems-sidecar/internal/trouble"
)

// Figures say what the plugins did since the start.
type Figures struct {
	Done      uint64 // orders given or removed, timers set, streams reset
	Failed    uint64 // those that servers did not do, or that did not come through
	Conflicts uint64 // streams whose name another stream has at its destination
}

// Figures may be called from any goroutine.
func (h *Hooks) Figures() Figures {
	f := Figures{Done: h.done.Load()}
	for _, n := range h.settings.Trouble.Counts() {
		switch {
		case n.Kind == nameTaken.Kind:
			f.Conflicts += n.Times
		case slices.Contains(failures, n.Kind):
			f.Failed += n.Times
		}
	}
	return f
}

// A diary logs and counts what one plugin does. Its methods may be called from any goroutine.
type diary struct {
	plugin string
	log    *slog.Logger
	*trouble.Reporter
	done  *atomic.Uint64 // of all plugins: see Figures.Done
	acted func(Action)   // see Settings.Acted
}

func newDiary(plugin string, log *slog.Logger, t *trouble.Reporter, done *atomic.Uint64) *diary {
	return &diary{plugin: plugin, log: log.With("plugin", plugin), Reporter: t.With("plugin", plugin), done: done}
}

// did counts what a server did, and logs it.
func (d *diary) did(level slog.Level, message string, attributes ...any) {
	d.done.Add(1)
	d.Note(trouble.Notice{Kind: "plugin_action", Level: level, Message: message}, trouble.At{}, attributes...)
}

// shown is a stream's name for the log.
func shown(name string) slog.Attr {
	if len(name) > maxShown {
		name = name[:maxShown] + "…"
	}
	return slog.String("stream", name)
}
