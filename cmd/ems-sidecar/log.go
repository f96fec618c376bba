package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/logqueue"
)

// flushTime is how long the end of a command waits for a slow reader of the log.
const flushTime = 2 * time.Second

// openLog returns the log that the config asks for, which never blocks, and a function that writes
// the rest of it. The standard library logs to it, too: a line in another form would break programs
// that read the log.
func openLog(s surroundings, c config.Log) (log *slog.Logger, flush func()) {
	queue := logqueue.New(s.stderr, func(dropped int) []byte {
		var line bytes.Buffer
		config := config.Log{Format: c.Format, Level: min(c.Level, slog.LevelWarn)}
		slog.New(newLogHandler(surroundings{stderr: &line, getenv: s.getenv}, config)).Warn("log lines dropped",
			"lines", dropped, "err", "the reader of the log is too slow, or does not read",
			"next", "everything else goes on; the log continues here")
		return line.Bytes()
	})
	s.stderr = queue
	log = slog.New(newLogHandler(s, c))
	slog.SetLogLoggerLevel(slog.LevelWarn)
	slog.SetDefault(log)
	return log, func() { queue.Close(flushTime) }
}

// newLogHandler returns the handler that the config asks for. Lines for systemd's journal begin
// with their priority, so that journalctl -p works. As text they have no time, which the journal
// adds.
func newLogHandler(s surroundings, c config.Log) slog.Handler {
	options := &slog.HandlerOptions{Level: c.Level}
	handler := func(w io.Writer) slog.Handler {
		if c.Format == "json" {
			return slog.NewJSONHandler(w, options)
		}
		return slog.NewTextHandler(w, options)
	}
	if s.getenv("JOURNAL_STREAM") == "" {
		return handler(s.stderr)
	}
	if c.Format != "json" {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		}
	}
	priority := func(p string) slog.Handler { return handler(prefixWriter{s.stderr, p}) }
	return journalHandler{debug: priority("<7>"), info: priority("<6>"), warn: priority("<4>"), err: priority("<3>")}
}

// A journalHandler has one handler for each of syslog's priorities (sd-daemon(3)).
type journalHandler struct {
	debug, info, warn, err slog.Handler
}

func (h journalHandler) of(l slog.Level) slog.Handler {
	switch {
	case l >= slog.LevelError:
		return h.err
	case l >= slog.LevelWarn:
		return h.warn
	case l >= slog.LevelInfo:
		return h.info
	}
	return h.debug
}

func (h journalHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.of(l).Enabled(ctx, l)
}

func (h journalHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.of(r.Level).Handle(ctx, r)
}

func (h journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(x slog.Handler) slog.Handler { return x.WithAttrs(attrs) })
}

func (h journalHandler) WithGroup(name string) slog.Handler {
	return h.with(func(x slog.Handler) slog.Handler { return x.WithGroup(name) })
}

func (h journalHandler) with(f func(slog.Handler) slog.Handler) slog.Handler {
	return journalHandler{f(h.debug), f(h.info), f(h.warn), f(h.err)}
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
