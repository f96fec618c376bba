package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/hooks"
	"ems-sidecar/internal/history"
	"ems-sidecar/internal/paths"
	"ems-sidecar/uploader/publish"
)

// What the API tells of one stream comes from the real parts: the steps of its chunks, what the bucket
// has of its playlist, and what happened.
func TestStreamIsToldWithItsChunksManifestsAndEvents(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nprefix = p/\nwatch_dir = '"+root+"'\n")
	s.run()
	playHLS(t, root+"/g/s")
	s.daemon.records.past.events.Add(history.Event{Stream: "g/s", Format: "HLS", Text: "stream is live"})
	told := &state{s.daemon}
	var d api.Detail
	s.waitFor("the stream has ended", func() bool {
		got, found, ok := told.Stream(t.Context(), "hls/p/g/s")
		d = got
		return ok && found && len(got.Manifests) == 1 && got.Manifests[0].Ended
	})
	if d.ID != "hls/p/g/s" || d.Stream.Stream != "g/s" || d.Group != "g" || len(d.Recent) != 4 {
		t.Fatalf("%+v, want g/s with its three chunks, and the empty one at its end", d)
	}
	for _, c := range d.Recent {
		if !strings.HasPrefix(c.Key, "p/g/s/") || c.Closed == nil || c.Kept == nil && c.Bytes > 0 || c.Sent == nil || c.Confirmed == nil ||
			c.Listed == nil || c.Lag == nil || c.Attempts != 1 {
			t.Errorf("the path of a chunk is %+v", c)
		}
	}
	if m := d.Manifests[0]; m.Key != "p/g/s/playlist.m3u8" || m.Name != "playlist.m3u8" || !strings.HasSuffix(m.Edge, "_4.ts") || m.Published == nil {
		t.Errorf("the manifest is %+v", m)
	}
	if len(d.Events) == 0 || d.Events[0].Text != "stream is live" {
		t.Errorf("the events are %+v", d.Events)
	}
	if n := len(d.LagHistory); n != paths.MaxLags || d.LagHistory[n-1] == nil && d.LagHistory[n-2] == nil {
		t.Errorf("%d lags, and none of this moment", n)
	}
	for _, id := range []string{"hls/p/g", "dash/p/g/s", "hls", ""} {
		if _, found, ok := told.Stream(t.Context(), id); found || !ok {
			t.Errorf("%q: found: %v, answered: %v", id, found, ok)
		}
	}

	s.daemon.forgetPaths(t.Context(), time.Now().Add(time.Minute))
	if d, _, _ := told.Stream(t.Context(), "hls/p/g/s"); len(d.Recent) != 4 {
		t.Error("the paths of a stream that has just ended are forgotten")
	}
	s.daemon.forgetPaths(t.Context(), time.Now().Add(2*time.Hour))
	if d, _, _ := told.Stream(t.Context(), "hls/p/g/s"); len(d.Recent) != 0 {
		t.Error("the paths of a stream that ended two hours ago are remembered")
	}
}

// A stream that stands still keeps its paths: its last chunks tell why.
func TestPathsOfAStreamThatStandsStillAreKept(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = '"+root+"'\n")
	s.run()
	write(t, root+"/g/s/1.ts", "x")
	write(t, root+"/g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n")
	s.waitForKeys("g/s/1.ts", "g/s/playlist.m3u8")
	of := paths.Name{Root: root, Format: "HLS", Stream: "g/s"}
	s.waitFor("its chunk is listed", func() bool {
		chunks := s.daemon.records.paths.Chunks(of, time.Now())
		return len(chunks) == 1 && chunks[0].Listed != nil
	})
	s.daemon.forgetPaths(t.Context(), time.Now().Add(2*time.Hour))
	if n := len(s.daemon.records.paths.Chunks(of, time.Now())); n != 1 {
		t.Errorf("%d chunks are remembered, want 1", n)
	}
}

// The plugins that are on are told with whether EMS answers, and what they did last.
func TestPluginsAreToldWithTheirLastActions(t *testing.T) {
	t.Parallel()
	s := newSite(t, "[StreamAutoRouter]\ntoken = live\ndestination_uri[] = 10.0.0.2\n")
	told := &state{s.daemon}
	if p := told.Plugins(); p.EMS == nil || p.EMS.Since != nil || p.EMS.Answers || len(p.Plugins) != 1 || p.Plugins[0] != "StreamAutoRouter" {
		t.Errorf("before the start: %+v", p)
	}
	s.run()
	s.waitFor("EMS does not answer", func() bool { return told.Plugins().EMS.Since != nil })
	if ems := told.Plugins().EMS; ems.Answers || !strings.Contains(ems.Error, "refused") {
		t.Errorf("%+v, want why it does not answer", ems)
	}
	at := time.Now()
	for n := range maxActions + 5 {
		s.daemon.records.actions.add(hooks.Action{At: at, Plugin: "StreamAutoRouter", Function: "pushStream", Stream: fmt.Sprint(n), Took: 1234 * time.Microsecond, Done: true})
	}
	actions := told.Plugins().Actions
	if n := len(actions); n != maxActions || actions[0].Stream != "5" || actions[n-1].Stream != fmt.Sprint(maxActions+4) || actions[0].Took != 0.001 {
		t.Errorf("%d actions, from %+v to %+v", n, actions[0], actions[n-1])
	}
	none := newSite(t, "[AmazonHLSUpload]\nwatch_dir = '"+t.TempDir()+"'\n")
	if p := (&state{none.daemon}).Plugins(); len(p.Plugins) != 0 || len(p.Actions) != 0 {
		t.Errorf("without plugins: %+v", p)
	}
}

// Metrics and paths are told of each step.
func TestStepsGoToMetricsAndPaths(t *testing.T) {
	t.Parallel()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = '"+t.TempDir()+"'\n")
	s.daemon.noteStep(publish.Step{Stage: publish.StageClosed, At: time.Now(), Root: "/r", Format: "HLS", Stream: "g/s", Key: "1.ts"})
	if n := len(s.daemon.records.paths.Chunks(paths.Name{Root: "/r", Format: "HLS", Stream: "g/s"}, time.Now())); n != 1 {
		t.Errorf("%d chunks have a path, want 1", n)
	}
}
