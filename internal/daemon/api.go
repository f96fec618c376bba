package daemon

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/internal/clock"
	"ems-sidecar/internal/history"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
)

// Streams returns how the streams fare, the worst first, or false if the uploader does not answer.
func (s *state) Streams(ctx context.Context) ([]api.Stream, bool) {
	views, ok := s.up.Streams(ctx)
	if !ok {
		return nil, false
	}
	streams, now := make([]api.Stream, len(views)), time.Now()
	for i, v := range views {
		streams[i] = apiStream(v, now)
	}
	return streams, true
}

func apiStream(v uploader.Stream, now time.Time) api.Stream {
	s := api.Stream{
		ID: v.ID, Stream: v.Shown, Name: filepath.Base(v.Shown), Section: v.Section, Format: v.Format,
		Root: v.Root, Bucket: v.Bucket, Key: v.Key, State: v.State,
		Since: clock.Wall(v.Since, now).UTC().Truncate(time.Millisecond), Why: v.Why,
		Chunk: moment(v.Chunk, now), Edge: moment(v.Edge, now), Target: v.Target.Seconds(),
		Lag:      v.Lag.Round(time.Millisecond).Seconds(),
		Sequence: v.Sequence, Segments: v.Segments, Backlog: v.Backlog, Chunks: v.Chunks, Bytes: v.Bytes,
		Failure: v.Failure, FailedAt: moment(v.FailedAt, now),
	}
	if group := path.Dir(v.View.Stream); group != "." {
		s.Group = group
	}
	if v.Dir != v.View.Stream {
		s.Directory = v.Dir
	}
	return s
}

// Events returns the events after the one with that ID, and a channel that is closed when there are
// more.
func (s *state) Events(since uint64) ([]history.Event, <-chan struct{}) {
	return s.records.past.events.Since(since)
}

// Version returns what this daemon is.
func (s *state) Version() api.Version {
	r, now := s.Reloads(), time.Now()
	return api.Version{Version: Version(), Host: hostname(),
		Started: clock.Wall(s.records.past.began, now).UTC(),
		Reloads: api.Reloads{OK: r.OK, Failed: r.Failed, At: moment(r.At, now), Failure: r.Failure}}
}

// Config returns the settings that hold.
func (s *state) Config() api.Config {
	return api.Config{File: s.config().Path, Settings: s.config().Effective(os.Getenv)}
}

// moment returns t for JSON, in milliseconds, by the wall clock as it is set now. JSON has null for a
// time that is not known.
func moment(t, now time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = clock.Wall(t, now).UTC().Truncate(time.Millisecond)
	return &t
}

// noteChange adds a stream's way to another state to the history.
func (d *Daemon) noteChange(c uploader.Change) {
	e := history.Event{Time: c.At, Kind: "stream_" + c.To.String(), Level: "info", Stream: c.Stream, Format: c.Format,
		Text: "stream is " + c.To.String()}
	if c.To == health.Ended {
		e.Text = "stream has ended"
	}
	switch {
	case c.To.Suffers():
		e.Level = "warn"
	case c.From.Suffers():
		e.Level, e.Lasted = "warn", c.Lasted
		e.Text += ", after it was " + c.From.String() + " for " + c.Lasted.Round(time.Second).String()
	case c.From == health.Starting && (c.To == health.Stale || c.To == health.Ended), c.From == health.Stale &&
		c.To == health.Ended:
		return // of an earlier run
	}
	if c.Why != "" {
		e.Text += ": " + c.Why
	}
	d.records.past.events.Add(e)
}

// noteTrouble adds what the log tells of troubles and orders to the history.
func (d *Daemon) noteTrouble(e trouble.Event) {
	d.records.past.events.Add(history.Event{Kind: e.Kind, Level: strings.ToLower(e.Level.String()), Stream: e.Stream,
		Text: e.Text, Lasted: e.Lasted})
}

// loadHistory reads the history of the runs before.
func (d *Daemon) loadHistory() {
	if d.records.past.dir != "" {
		if err := d.records.past.events.Load(d.historyFile()); err != nil {
			d.historyFailed(err)
		}
	}
}

// keepHistory keeps the history on the disk until ctx ends. Then it waits for the last events, but not
// for a file system that does not answer.
func (d *Daemon) keepHistory(ctx context.Context) {
	if d.records.past.dir == "" {
		return
	}
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		d.records.past.events.Keep(ctx, d.historyFile(), d.historyFailed)
	}()
	<-ctx.Done()
	late := time.NewTimer(leaveTime)
	defer late.Stop()
	select {
	case <-kept:
	case <-late.C:
		d.historyFailed(errNoAnswer)
	}
}

func (d *Daemon) historyFile() string { return filepath.Join(d.records.past.dir, "events.jsonl") }

func (d *Daemon) historyFailed(err error) {
	d.trouble.Report(historyUnkept, trouble.At{}, "file", d.historyFile(), "err", err,
		"next", "events are kept in memory only, until it can be written")
}
