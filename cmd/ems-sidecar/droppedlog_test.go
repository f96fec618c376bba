package main

import (
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"ems-sidecar/config"
)

// A stalledReader takes nothing before it is read.
type stalledReader struct {
	read    chan struct{}
	noticed chan struct{} // closed when it has been told that lines were dropped
	once    sync.Once
	written strings.Builder
}

func (r *stalledReader) Write(line []byte) (int, error) {
	<-r.read
	if strings.Contains(string(line), "log lines dropped") {
		r.once.Do(func() { close(r.noticed) })
	}
	return r.written.Write(line)
}

// How many lines are missing is a line of the log's own format, with its priority, whatever the
// level.
func TestDroppedLogLinesAreReportedInTheFormatOfTheLog(t *testing.T) {
	was := slog.Default()
	t.Cleanup(func() { slog.SetDefault(was) })
	journal := func(key string) string { return map[string]string{"JOURNAL_STREAM": "8:1"}[key] }
	for name, test := range map[string]struct {
		log    config.Log
		getenv func(string) string
		want   string
	}{
		"text":       {config.Log{Format: "text"}, func(string) string { return "" }, `level=WARN msg="log lines dropped" lines=`},
		"errors":     {config.Log{Format: "text", Level: slog.LevelError}, func(string) string { return "" }, `level=WARN msg="log lines dropped" lines=`},
		"json":       {config.Log{Format: "json"}, func(string) string { return "" }, `"level":"WARN","msg":"log lines dropped","lines":`},
		"to journal": {config.Log{Format: "text"}, journal, `<4>msg="log lines dropped" lines=`},
	} {
		t.Run(name, func(t *testing.T) {
			reader := &stalledReader{read: make(chan struct{}), noticed: make(chan struct{})}
			log := openLog(surroundings{stderr: reader, getenv: test.getenv}, test.log)
			for range 10_000 {
				log.Error("a line", "with", strings.Repeat("x", 1000))
			}
			close(reader.read)
			<-reader.noticed // and with that, the queue has room
			log.Error("the last")
			log.flush()

			lines := strings.SplitAfter(strings.TrimSpace(reader.written.String()), "\n")
			found := 0
			for _, l := range lines {
				if strings.Contains(l, test.want) {
					found++
				}
				if test.log.Format == "json" && !json.Valid([]byte(l)) {
					t.Errorf("no JSON: %.100q", l)
				}
			}
			if found == 0 || !strings.Contains(lines[len(lines)-1], "the last") {
				t.Errorf("%d lines with %q; the last is %.100q", found, test.want, lines[len(lines)-1])
			}
		})
	}
}
