package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
	"ems-sidecar/uploader/publish"
	"ems-sidecar/uploader/spool"
)

// A live stream, which change alters.
func stream(name string, change func(*uploader.Stream)) uploader.Stream {
	s := uploader.Stream{Root: "/srv/ems", Format: "HLS", Section: "HLS", View: publish.View{Stream: name, Shown: name, State: health.Live,
		Since: time.Now().Add(-time.Hour), Chunk: time.Now().Add(-2 * time.Second), Edge: time.Now().Add(-6 * time.Second),
		Target: 4 * time.Second, Lag: 180 * time.Millisecond, Backlog: 1, Chunks: 10, Bytes: 1000}}
	if change != nil {
		change(&s)
	}
	return s
}

// everything is a daemon with something of everything.
func everything() Facts {
	return Facts{
		Uploader: &uploader.Facts{
			Streams: []uploader.Stream{stream("news/sport", nil)},
			Figures: uploader.Figures{Figures: publish.Figures{Lost: 3, Queue: 2}},
			Lanes:   []uploader.Lane{{Format: "HLS", Section: "HLS", Bucket: "live", Window: 24}},
			Spools:  []spool.Usage{{Dir: "/srv/ems", Bytes: 5, Limit: 100}},
		},
		Roots:      []Root{{Dir: "/srv/ems", Ready: true, Watches: 3, Dirs: 3, Files: 9, Overflows: 1, Refusals: 2}},
		EMS:        &EMS{Answers: true, Events: Events{Taken: map[string]uint64{"inStreamCreated": 4}, Lost: 1}},
		Troubles:   []trouble.Count{{Kind: "upload_failed", Stream: "a", Times: 2}, {Kind: "upload_failed", Stream: "b", Times: 3}},
		Conditions: map[string]int{"ems_away": 1},
	}
}

func newTestMetrics(f Facts, streamLabel bool) *Metrics {
	return New(Settings{Version: "v1", Formats: media.Formats(), Plugins: []string{"StreamRecorder"}, StreamLabel: streamLabel, Trouble: trouble.New(slog.New(slog.DiscardHandler), time.Now),
		Facts: func(context.Context) Facts { return f }})
}

// Each scrape of many streams takes megabytes.
func TestR8ScrapesAtOnceAreLimited(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	m := New(Settings{Trouble: trouble.New(slog.New(slog.DiscardHandler), time.Now), Facts: func(context.Context) Facts {
		begun <- struct{}{}
		<-end
		return Facts{}
	}})
	var scrapes sync.WaitGroup
	for range maxScrapes {
		scrapes.Go(func() { m.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)) })
		<-begun
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	close(end)
	scrapes.Wait()
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("one more scrape: %d, want 503", w.Code)
	}
}

// ask scrapes m, and returns what it says.
func ask(t testing.TB, m http.Handler, accept string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d, %v: %s", w.Code, err, body)
	}
	return string(body)
}

const openMetrics = "application/openmetrics-text;version=1.0.0"

func says(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line) {
			t.Errorf("no line begins with %s", line)
		}
	}
	if t.Failed() {
		t.Logf("the metrics:\n%s", text)
	}
}

func TestAScrapeShowsTheFacts(t *testing.T) {
	text := ask(t, newTestMetrics(everything(), true), "")
	says(t, text,
		`ems_sidecar_stream_state{format="HLS",root="/srv/ems",section="HLS",state="live",stream="news/sport"} 1`,
		`ems_sidecar_stream_state{format="HLS",root="/srv/ems",section="HLS",state="stalled",stream="news/sport"} 0`,
		`ems_sidecar_stream_edge_age_seconds{format="HLS",root="/srv/ems",section="HLS",stream="news/sport"} 6.`,
		`ems_sidecar_stream_chunk_age_seconds{format="HLS",root="/srv/ems",section="HLS",stream="news/sport"} 2.`,
		`ems_sidecar_stream_target_duration_seconds{format="HLS",root="/srv/ems",section="HLS",stream="news/sport"} 4`,
		`ems_sidecar_stream_backlog{format="HLS",root="/srv/ems",section="HLS",stream="news/sport"} 1`,
		`ems_sidecar_streams{format="HLS",state="live"} 1`,
		`ems_sidecar_streams{format="HLS",state="failing"} 0`,
		`ems_sidecar_chunks_lost_total 3`,
		`ems_sidecar_queue_chunks 2`,
		`ems_sidecar_lane_state{bucket="live",format="HLS",section="HLS",state="open"} 1`,
		`ems_sidecar_lane_state{bucket="live",format="HLS",section="HLS",state="refused"} 0`,
		`ems_sidecar_spool_bytes{root="/srv/ems"} 5`,
		`ems_sidecar_spool_limit_bytes{root="/srv/ems"} 100`,
		`ems_sidecar_root_ready{root="/srv/ems"} 1`,
		`ems_sidecar_watcher_overflows_total{root="/srv/ems"} 1`,
		`ems_sidecar_watcher_lease_refusals_total{root="/srv/ems"} 2`,
		`ems_sidecar_ems_api_up 1`,
		`ems_sidecar_events_total{type="inStreamCreated"} 4`,
		`ems_sidecar_actions_total{plugin="StreamRecorder",result="failed"} 0`,
		`ems_sidecar_troubles_total{kind="upload_failed"} 5`,
		`ems_sidecar_troubles_lasting{kind="ems_away"} 1`,
		`ems_sidecar_uploader_up 1`,
		`ems_sidecar_uploads_total{format="HLS",kind="chunk",result="ok"} 0`,
		`ems_sidecar_uploads_total{format="recording",kind="recording",result="no_answer"} 0`,
		`ems_sidecar_config_last_reload_successful 1`,
		`ems_sidecar_build_info{goversion="go`,
		`process_open_fds `, `go_goroutines `,
	)
}

func TestAnUploaderThatHangsLeavesTheRest(t *testing.T) {
	f := everything()
	f.Uploader = nil
	text := ask(t, newTestMetrics(f, true), "")
	says(t, text, `ems_sidecar_uploader_up 0`, `ems_sidecar_root_ready{root="/srv/ems"} 1`)
	if strings.Contains(text, "ems_sidecar_stream_state") {
		t.Error("streams are shown that are not known")
	}
}

func TestStreamsThatAreOverDisappearAfterAnHour(t *testing.T) {
	ended := func(state health.State, ago time.Duration) uploader.Stream {
		return stream(fmt.Sprintf("%v/%v", state, ago), func(s *uploader.Stream) { s.State, s.Since = state, time.Now().Add(-ago) })
	}
	f := everything()
	f.Uploader.Streams = []uploader.Stream{
		ended(health.Ended, 59*time.Minute), ended(health.Ended, 61*time.Minute),
		ended(health.Stale, 59*time.Minute), ended(health.Stale, 61*time.Minute),
		ended(health.Stalled, 61*time.Minute),
	}
	text := ask(t, newTestMetrics(f, true), "")
	says(t, text, `ems_sidecar_streams{format="HLS",state="ended"} 1`, `ems_sidecar_streams{format="HLS",state="stale"} 1`)
	for name, shown := range map[string]bool{"ended/59m0s": true, "ended/1h1m0s": false, "stale/59m0s": true, "stale/1h1m0s": false, "stalled/1h1m0s": true} {
		if strings.Contains(text, `stream="`+name+`"`) != shown {
			t.Errorf("%s is shown: %v, want %v", name, !shown, shown)
		}
	}
}

func TestWithoutTheStreamLabelStreamsAreOnlyCounted(t *testing.T) {
	text := ask(t, newTestMetrics(everything(), false), "")
	says(t, text, `ems_sidecar_streams{format="HLS",state="live"} 1`)
	if strings.Contains(text, "news/sport") || strings.Contains(text, "ems_sidecar_stream_") {
		t.Errorf("a stream has series of its own:\n%s", text)
	}
}

// R8, R9: publishers choose names.
func TestNamesOfStreamsNeitherBreakNorFloodAScrape(t *testing.T) {
	f := everything()
	f.Uploader.Streams = []uploader.Stream{stream("a\xff\n\"\\", nil)}
	for _, name := range []string{"one name", "one name", "one too many"} {
		f.Uploader.Streams = append(f.Uploader.Streams, stream(name, nil)) // the second is an error
	}
	m := newTestMetrics(f, true)
	m.scrape.mostStreams = 3
	text := ask(t, m, "")
	says(t, text, `ems_sidecar_stream_backlog{format="HLS",root="/srv/ems",section="HLS",stream="a`+"\uFFFD"+`\n\"\\"} 1`, `ems_sidecar_uploader_up 1`,
		`ems_sidecar_streams{format="HLS",state="live"} 4`)
	if strings.Contains(text, "one too many") {
		t.Error("more than 3 streams have series")
	}
	if c := m.settings.Trouble.Counts(); len(c) != 1 || c[0].Kind != notShown.Kind {
		t.Errorf("the streams that could not be shown are no trouble: %v", c)
	}
}

func TestStepsOfUploadsAreCounted(t *testing.T) {
	m := newTestMetrics(everything(), true)
	key := "live/" + strings.Repeat("ä", 200) + "/segment_7.ts"
	step := publish.Step{Format: "HLS", Kind: publish.KindChunk, Key: key, Bytes: 1000}
	sent, broke, listed := step, step, step
	sent.Race = publish.SecondWins
	sent.Stage, sent.Took = publish.StageSent, 30*time.Millisecond
	broke.Stage, broke.Why, broke.Err = publish.StageFailed, publish.NoAnswer.String(), errors.New("time-out")
	listed.Stage, listed.Lag = publish.StageListed, 700*time.Millisecond
	old := listed
	old.Lag = 0 // of an earlier run
	for _, s := range []publish.Step{sent, sent, broke, listed, old} {
		m.Observe(s)
	}
	exemplar := ` # {key="…` + strings.Repeat("ä", 112-1) + `/segment_7.ts"} `
	says(t, ask(t, m, openMetrics),
		`ems_sidecar_uploads_total{format="HLS",kind="chunk",result="ok"} 2`,
		`ems_sidecar_uploads_total{format="HLS",kind="chunk",result="no_answer"} 1`,
		`ems_sidecar_raced_uploads_total{format="HLS",winner="second"} 2`,
		`ems_sidecar_raced_uploads_total{format="HLS",winner="first"} 0`,
		`ems_sidecar_uploaded_bytes_total{format="HLS",kind="chunk"} 2000`,
		`ems_sidecar_put_duration_seconds_bucket{format="HLS",kind="chunk",le="0.025"} 0`,
		`ems_sidecar_put_duration_seconds_bucket{format="HLS",kind="chunk",le="0.05"} 2`+exemplar+"0.03",
		`ems_sidecar_chunk_lag_seconds_bucket{format="HLS",le="0.5"} 0`,
		`ems_sidecar_chunk_lag_seconds_bucket{format="HLS",le="1.0"} 1`+exemplar+"0.7",
		`ems_sidecar_chunk_lag_seconds_bucket{format="HLS",le="60.0"} 1`,
		`ems_sidecar_chunk_lag_seconds_count{format="HLS"} 1`,
	)
}

func TestHistogramsAreNativeToo(t *testing.T) {
	m := newTestMetrics(everything(), true)
	m.Observe(publish.Step{Stage: publish.StageSent, Format: "HLS", Took: 30 * time.Millisecond})
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	native := 0
	for _, f := range families {
		for _, metric := range f.Metric {
			if h := metric.Histogram; strings.HasPrefix(f.GetName(), namespace) && h != nil {
				if h.Schema == nil {
					t.Errorf("%s is no native histogram", f.GetName())
				}
				native += len(h.PositiveSpan)
			}
		}
	}
	if native == 0 {
		t.Error("no native histogram has a bucket")
	}
}

func TestActionsOfPluginsAreCounted(t *testing.T) {
	m := newTestMetrics(everything(), true)
	m.Acted("StreamRecorder", true)
	m.Acted("StreamRecorder", false)
	m.Acted("StreamRecorder", true)
	says(t, ask(t, m, ""), `ems_sidecar_actions_total{plugin="StreamRecorder",result="done"} 2`,
		`ems_sidecar_actions_total{plugin="StreamRecorder",result="failed"} 1`)
}

func TestReloadsAreCounted(t *testing.T) {
	m := newTestMetrics(everything(), true)
	at := time.Unix(1_800_000_000, 0)
	m.Reloaded(true, at)
	m.Reloaded(false, at.Add(time.Hour))
	says(t, ask(t, m, ""),
		`ems_sidecar_config_reloads_total{result="applied"} 1`, `ems_sidecar_config_reloads_total{result="refused"} 1`,
		`ems_sidecar_config_last_reload_successful 0`, `ems_sidecar_config_last_reload_success_timestamp_seconds 1.8e+09`)
	m.Reloaded(true, at)
	says(t, ask(t, m, ""), `ems_sidecar_config_last_reload_successful 1`)
}

// With 1,000 streams, as Prometheus asks: compressed.
func BenchmarkScrape(b *testing.B) {
	f := everything()
	f.Uploader.Streams = nil
	for i := range 1000 {
		f.Uploader.Streams = append(f.Uploader.Streams, stream(fmt.Sprintf("news/sport%d", i), nil))
	}
	m := newTestMetrics(f, true)
	size := 0
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept", openMetrics)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		m.ServeHTTP(w, r)
		size = w.Body.Len()
	}
	b.ReportMetric(float64(size), "B/scrape")
}
