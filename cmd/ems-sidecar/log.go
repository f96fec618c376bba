package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/journal"

	"ems-sidecar/config"
	"ems-sidecar/internal/logqueue"
)

// flushTime is how long the end of a command waits for a slow reader of the log.
const flushTime = 2 * time.Second

// A logbook is the log of the process. It never blocks. Create it with openLog.
type logbook struct {
	*slog.Logger
	queue *logqueue.Queue
	level slog.LevelVar
	json  atomic.Bool
}

// openLog returns the log that the config asks for. The standard library logs to it, too: a line in
// another form would break programs that read the log.
func openLog(s surroundings, c config.Log) *logbook {
	to := surroundingsOf(s)
	l := &logbook{}
	l.apply(c)
	l.queue = logqueue.New(to.file, func(dropped int) []byte {
		var line bytes.Buffer
		slog.New(to.handler(&line, &l.json, min(l.level.Level(), slog.LevelWarn))).Warn("log lines dropped",
			"lines", dropped, "err", "the reader of the log is too slow, or does not read",
			"next", "everything else goes on; the log continues here")
		return line.Bytes()
	})
	l.Logger = slog.New(to.handler(l.queue, &l.json, &l.level))
	slog.SetLogLoggerLevel(slog.LevelWarn)
	slog.SetDefault(l.Logger)
	return l
}

// apply has the log be as the config says from now on.
func (l *logbook) apply(c config.Log) {
	l.level.Set(c.Level)
	l.json.Store(c.Format == "json")
}

// flush writes what waits. Nothing can be logged after it.
func (l *logbook) flush() { l.queue.Close(flushTime) }

// A logReader is what reads the log.
type logReader struct {
	file io.Writer
	form lineForm
}

type lineForm uint8

const (
	plainLines  lineForm = iota
	journalText          // lines that begin with their priority, as the journal expects them on standard error
	journalData          // entries with fields, for the journal's own socket
)

// surroundingsOf returns what reads the log of a process. The journal gets fields if standard error
// leads to it and its socket answers.
func surroundingsOf(s surroundings) logReader {
	if s.getenv("JOURNAL_STREAM") == "" {
		return logReader{s.stderr, plainLines}
	}
	if s.stderr == io.Writer(os.Stderr) {
		if ours, err := journal.StderrIsJournalStream(); ours && err == nil {
			if socket, err := dialJournal(journalSocket); err == nil {
				return logReader{socket, journalData}
			}
		}
	}
	return logReader{s.stderr, journalText}
}

// handler returns a handler that writes to w. It writes JSON while the flag is set, and else text.
func (r logReader) handler(w io.Writer, json *atomic.Bool, level slog.Leveler) slog.Handler {
	switch r.form {
	case journalText:
		return byPriority(func(priority string) slog.Handler {
			return r.lines(prefixWriter{w, "<" + priority + ">"}, json, level)
		})
	case journalData:
		return newJournalHandler(w, func(line io.Writer) slog.Handler { return r.lines(line, json, level) })
	}
	return r.lines(w, json, level)
}

// lines returns a handler of lines. As text for the journal, they have no time and no level, which
// the journal adds.
func (r logReader) lines(w io.Writer, json *atomic.Bool, level slog.Leveler) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	asJSON := slog.NewJSONHandler(w, options)
	if r.form != plainLines {
		options = &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		}}
	}
	return chosenHandler{
		of: []slog.Handler{slog.NewTextHandler(w, options), asJSON},
		choose: func(slog.Level) int {
			if json.Load() {
				return 1
			}
			return 0
		},
	}
}
