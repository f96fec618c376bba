package events

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/internal/trouble"
)

// TestR8ForgedProcessIDsAreOneLogLine posts what anyone with access can post: events of many
// processes, each with a gap in its ids.
func TestR8ForgedProcessIDsAreOneLogLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		reporter := trouble.New(slog.New(slog.NewTextHandler(&log, nil)), time.Now)
		l := newLine(nil, ignore, func(string) {}, &counts{}, reporter)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.run(ctx) }()
		for process := range int64(2000) {
			time.Sleep(time.Millisecond)
			l.join(Event{ID: 1, ProcessID: process, Timestamp: 1, Type: "x"})
			l.join(Event{ID: 5, ProcessID: process, Timestamp: 1, Type: "x"})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		reporter.Sweep()
		if n := strings.Count(log.String(), "losses cannot be detected"); n != 1 {
			t.Errorf("%d lines about skipped ids", n)
		}
		if n := strings.Count(log.String(), "\n"); n > 5 {
			t.Errorf("%d lines:\n%.2000s", n, log.String())
		}
	})
}
