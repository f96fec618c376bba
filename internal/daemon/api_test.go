package daemon

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/clock/testclock"
	"ems-sidecar/internal/history"
	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
	"ems-sidecar/uploader/publish"
)

// The page counts ages from the time of the answer. A clock that was set since must not make them
// negative, or hours long.
func TestAgesGoByTheClockThatDoesNotJump(t *testing.T) {
	began := time.Now()
	now := testclock.Set(began.Add(time.Minute), -time.Hour)
	s := apiStream(uploader.Stream{View: publish.View{Since: began, Chunk: began, Edge: began}}, now)
	for _, at := range []time.Time{s.Since, *s.Chunk, *s.Edge} {
		if age := now.Round(0).Sub(at); age < time.Minute || age > time.Minute+time.Millisecond {
			t.Errorf("the age is %v, want 1m0s", age)
		}
	}
	if s = apiStream(uploader.Stream{}, now); s.Chunk != nil || !s.Since.IsZero() {
		t.Errorf("times that are not known are %v and %v", s.Chunk, s.Since)
	}
}

// The history has what operators look for: a trouble, its end and how long it lasted; not what an
// earlier run has left.
func TestHistoryHasTroublesAndTheirEnds(t *testing.T) {
	d := &Daemon{records: records{past: past{events: history.New(time.Now)}}}
	change := func(from, to health.State, why string, lasted time.Duration) {
		d.noteChange(uploader.Change{Change: publish.Change{Stream: "g/s", From: from, To: to, Why: why, Lasted: lasted}, Format: "HLS"})
	}
	change(health.Starting, health.Stale, "no new chunk for 1h0m0s", 0)
	change(health.Stale, health.Ended, "", 0)
	change(health.Starting, health.Ended, "", 0)
	change(health.Starting, health.Live, "", 0)
	change(health.Live, health.Stalled, "no new chunk on the disk for 7s", time.Hour)
	change(health.Stalled, health.Live, "", 168*time.Second)
	events, _ := d.records.past.events.Since(0)
	want := []history.Event{
		{ID: 1, Kind: "stream_live", Level: "info", Text: "stream is live"},
		{ID: 2, Kind: "stream_stalled", Level: "warn", Text: "stream is stalled: no new chunk on the disk for 7s"},
		{ID: 3, Kind: "stream_live", Level: "warn", Text: "stream is live, after it was stalled for 2m48s", Lasted: 168 * time.Second},
	}
	if len(events) != len(want) {
		t.Fatalf("%d events, want %d: %+v", len(events), len(want), events)
	}
	for i, e := range events {
		want[i].Stream, want[i].Format, want[i].Time = "g/s", "HLS", e.Time
		if e != want[i] {
			t.Errorf("event %+v, want %+v", e, want[i])
		}
	}
}

func TestHistoryHasWhatTheLogTellsOfTroubles(t *testing.T) {
	d := &Daemon{records: records{past: past{events: history.New(time.Now)}}}
	reporter := trouble.New(slog.New(slog.DiscardHandler), time.Now)
	reporter.Tell(d.noteTrouble)
	reporter.Begin(rootStuck, trouble.At{Subject: "/srv"}, "root", "/srv", "next", "other directories go on")
	events, _ := d.records.past.events.Since(0)
	want := history.Event{ID: 1, Kind: "root_stuck", Level: "error", Text: "watched directory does not answer (root=/srv)"}
	if len(events) != 1 {
		t.Fatalf("%d events, want 1: %+v", len(events), events)
	}
	want.Time = events[0].Time
	if events[0] != want {
		t.Errorf("event %+v, want %+v", events[0], want)
	}
}

// The API tells what holds in this daemon, and no secret.
func TestConfigIsToldWithoutSecrets(t *testing.T) {
	cfg, err := config.Parse("c.ini", []byte("[AmazonHLSUpload]\ndefault_bucket = ems\nwatch_dir = /a\naws_access_key = AKIA\n"+
		"aws_secret_key = hUsH\n[Admin]\ntoken = hUsH\n[StreamAutoRouter]\ntoken = x\ndestination_uri = rtmp://me:hUsH@host/live?k=hUsH\n"))
	if err != nil {
		t.Fatal(err)
	}
	var d Daemon
	d.cfg.Store(cfg)
	answer, err := json.Marshal((&state{&d}).Config())
	if err != nil {
		t.Fatal(err)
	}
	if text := string(answer); strings.Contains(text, "hUsH") || !strings.Contains(text, `"key":"aws_secret_key","value":"***"`) ||
		!strings.Contains(text, "rtmp://***@host/live?***") {
		t.Error(text)
	}
}
