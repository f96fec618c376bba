package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/internal/history"
	"ems-sidecar/internal/paths"
	"ems-sidecar/uploader/health"
)

type fakeDaemon struct {
	hangs   bool
	streams []Stream
	history *history.History

	chunks    []paths.Chunk
	manifests []Manifest
	lags      []*float64
	plugins   Plugins

	directories []Directory
}

func (d *fakeDaemon) Streams(context.Context) ([]Stream, bool) { return d.streams, !d.hangs }
func (d *fakeDaemon) Stream(_ context.Context, id string) (Detail, bool, bool) {
	for _, s := range d.streams {
		if s.ID == id {
			return Detail{Stream: s, Recent: d.chunks, Manifests: d.manifests, Events: d.history.Of(s.Format, s.Stream, 50)}, true, !d.hangs
		}
	}
	return Detail{}, false, !d.hangs
}
func (d *fakeDaemon) EndStream(ctx context.Context, id string) (n int, found, ok bool) {
	_, found, ok = d.Stream(ctx, id)
	return 1, found, ok
}
func (d *fakeDaemon) LagHistory(Stream) []*float64 { return d.lags }
func (d *fakeDaemon) Directories() []Directory     { return d.directories }
func (d *fakeDaemon) Plugins() Plugins             { return d.plugins }
func (d *fakeDaemon) Version() Version             { return Version{Version: "v1"} }
func (d *fakeDaemon) Config() Config {
	return Config{File: "c.ini", Settings: []config.Setting{{Section: "Log", Key: "level", Value: "info", Origin: config.FromDefault}}}
}

// Clip makes a clip of each stream, except under two names.
func (d *fakeDaemon) Clip(_ context.Context, id string, r ClipRequest) (Clip, error) {
	switch {
	case d.hangs:
		return Clip{}, &Refusal{http.StatusServiceUnavailable, "the uploader does not answer"}
	case id != "hls/live/a":
		return Clip{}, &Refusal{http.StatusNotFound, "no stream has this id"}
	case r.Name == "taken":
		return Clip{}, &Refusal{http.StatusConflict, "there is such a clip"}
	case r.Name == "unwritable":
		return Clip{}, errors.New("put live/a/clips/unwritable/playlist.m3u8: no answer")
	}
	return Clip{Name: r.Name, Key: "live/a/clips/" + r.Name + "/playlist.m3u8", Segments: 3}, nil
}
func (d *fakeDaemon) Events(since uint64) ([]history.Event, <-chan struct{}) {
	return d.history.Since(since)
}

func get(t *testing.T, d Daemon, path string) (status int, body string) {
	t.Helper()
	mux := http.NewServeMux()
	Register(mux, d)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if !json.Valid(w.Body.Bytes()) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: the answer is not JSON: %s", path, w.Body)
	}
	return w.Code, w.Body.String()
}

func TestAnswers(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := &fakeDaemon{history: history.New(time.Now)}
	empty := &fakeDaemon{history: history.New(time.Now)}
	lag := 0.187
	d.lags = []*float64{nil, &lag}
	d.chunks = []paths.Chunk{{Key: "live/a b/7.ts", Listed: &at}}
	d.manifests = []Manifest{{Key: "live/a b/p.m3u8", Edge: "live/a b/7.ts"}}
	d.plugins = Plugins{Plugins: []string{"StreamRecorder"}, EMS: &EMS{API: "http://ems:7777"}, Actions: []Action{{Function: "record"}}}
	d.streams = []Stream{{ID: "hls/live/a b", Stream: "live/a b", Format: "HLS", State: health.Stalled, Why: "no new chunk", Chunk: &at}}
	d.history.Add(history.Event{Stream: "live/a b", Format: "HLS", Text: "a b is stalled"})
	for n := range maxEvents {
		d.history.Add(history.Event{Text: fmt.Sprint(n)})
	}
	for name, c := range map[string]struct {
		daemon *fakeDaemon
		path   string
		status int
		want   string
	}{
		"all streams":          {d, "/api/v1/streams", 200, `"state":"stalled"`},
		"times":                {d, "/api/v1/streams", 200, `"chunk_at":"2026-01-02T03:04:05Z","edge_at":null`},
		"no streams":           {empty, "/api/v1/streams", 200, `"streams":[]`},
		"one stream":           {d, "/api/v1/streams/hls/live/a%20b", 200, `"why":"no new chunk"`},
		"its chunks":           {d, "/api/v1/streams/hls/live/a%20b", 200, `"listed_at":"2026-01-02T03:04:05Z"`},
		"its manifests":        {d, "/api/v1/streams/hls/live/a%20b", 200, `"edge_key":"live/a b/7.ts"`},
		"its events":           {d, "/api/v1/streams/hls/live/a%20b", 200, `"text":"a b is stalled"`},
		"lags":                 {d, "/api/v1/streams", 200, `"lag_history":[null,0.187]`},
		"plugins":              {d, "/api/v1/plugins", 200, `"actions":[{"at":"0001-01-01T00:00:00Z","plugin":"","api":"","function":"record"`},
		"no plugins":           {empty, "/api/v1/plugins", 200, `{"plugins":[],"ems":null,"actions":[]}`},
		"no such stream":       {d, "/api/v1/streams/hls/live/c", 404, "/api/v1/streams lists all"},
		"an uploader hangs":    {&fakeDaemon{hangs: true}, "/api/v1/streams", 503, "does not answer"},
		"a stream of it":       {&fakeDaemon{hangs: true}, "/api/v1/streams/hls/a", 503, "does not answer"},
		"events":               {d, "/api/v1/events?since=1000", 200, `"id":1001`},
		"a page of events":     {d, "/api/v1/events", 200, `"next":1000`},
		"no events":            {empty, "/api/v1/events?since=0", 200, `{"events":[],"next":0}`},
		"events since nothing": {d, "/api/v1/events?since=yesterday", 400, "must be the id"},
		"config":               {d, "/api/v1/config", 200, `"file":"c.ini","settings":[{"section":"Log","key":"level","value":"info",`},
		"version":              {d, "/api/v1/version", 200, `"version":"v1"`},
		"anything else":        {d, "/api/v1/", 404, "no such resource"},
	} {
		if status, body := get(t, c.daemon, c.path); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %.300s, want %d and %s", name, status, body, c.status, c.want)
		}
	}
}
