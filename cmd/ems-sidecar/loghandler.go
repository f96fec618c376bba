package main

import (
	"context"
	"io"
	"log/slog"
)

// A chosenHandler passes each record to one of several handlers.
type chosenHandler struct {
	of     []slog.Handler
	choose func(slog.Level) int
}

// Enabled implements slog.Handler.
func (h chosenHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.of[h.choose(l)].Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (h chosenHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.of[h.choose(r.Level)].Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h chosenHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(x slog.Handler) slog.Handler { return x.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h chosenHandler) WithGroup(name string) slog.Handler {
	return h.with(func(x slog.Handler) slog.Handler { return x.WithGroup(name) })
}

func (h chosenHandler) with(f func(slog.Handler) slog.Handler) slog.Handler {
	of := make([]slog.Handler, len(h.of))
	for i, x := range h.of {
		of[i] = f(x)
	}
	return chosenHandler{of, h.choose}
}

// priorities are those of syslog that a log has, as sd-daemon(3) writes them.
var priorities = []string{"7", "6", "4", "3"}

// priorityOf returns the index of a level's priority, so that journalctl -p works.
func priorityOf(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 2
	case l >= slog.LevelInfo:
		return 1
	}
	return 0
}

// byPriority returns a handler with one for each priority.
func byPriority(handler func(priority string) slog.Handler) slog.Handler {
	h := chosenHandler{choose: priorityOf}
	for _, p := range priorities {
		h.of = append(h.of, handler(p))
	}
	return h
}

// A prefixWriter puts a prefix before each write, which is one line.
type prefixWriter struct {
	w      io.Writer
	prefix string
}

func (p prefixWriter) Write(line []byte) (int, error) {
	n, err := p.w.Write(append([]byte(p.prefix), line...))
	return max(0, n-len(p.prefix)), err
}
