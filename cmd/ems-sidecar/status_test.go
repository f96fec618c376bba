package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ems-sidecar/admin/api"
	"ems-sidecar/config"
	"ems-sidecar/internal/history"
	"ems-sidecar/uploader/health"
)

// A fakeDaemon has streams in the states that it is given.
type fakeDaemon struct {
	streams     []api.Stream
	directories []api.Directory
}

func (d *fakeDaemon) Streams(context.Context) ([]api.Stream, bool)          { return d.streams, true }
func (d *fakeDaemon) Events(uint64) (e []history.Event, ch <-chan struct{}) { return e, ch }
func (d *fakeDaemon) Stream(context.Context, string) (s api.Detail, found, ok bool) {
	return s, false, true
}
func (*fakeDaemon) EndStream(context.Context, string) (n int, found, ok bool) { return 0, false, true }
func (d *fakeDaemon) LagHistory(api.Stream) []*float64                        { return nil }
func (d *fakeDaemon) Directories() []api.Directory                            { return d.directories }
func (d *fakeDaemon) Plugins() (p api.Plugins)                                { return p }
func (d *fakeDaemon) Version() (v api.Version)                                { return v }
func (d *fakeDaemon) Config() (c api.Config)                                  { return c }
func (d *fakeDaemon) Clip(_ context.Context, _ string, r api.ClipRequest) (api.Clip, error) {
	if r.Name == "taken" {
		return api.Clip{}, &api.Refusal{Status: http.StatusConflict, Text: "there is a clip of this name"}
	}
	from := time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
	return api.Clip{Name: "goal", Bucket: "ems", Key: "live/" + r.From + "/clips/goal/playlist.m3u8", Segments: 300, Seams: 1,
		From: from, To: from.Add(10 * time.Minute)}, nil
}

// status runs the command against d.
func status(t *testing.T, d api.Daemon, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	mux := http.NewServeMux()
	api.Register(mux, d)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret-token-of-admin" {
			http.Error(w, "the token of [Admin] is missing or wrong", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	defer server.Close()
	return statusAt(t, strings.TrimPrefix(server.URL, "http://"), args...)
}

func statusAt(t *testing.T, listen string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ini := writeAdminConfig(t, listen)
	var out, errs bytes.Buffer
	code = execute(t.Context(), append([]string{"status", "--config", ini}, args...),
		surroundings{&out, &errs, func(string) string { return "" }})
	return code, out.String(), errs.String()
}

// writeAdminConfig writes a config with an admin listener, and returns its name.
func writeAdminConfig(t *testing.T, listen string) string {
	t.Helper()
	ini := filepath.Join(t.TempDir(), "config.ini")
	content := fmt.Sprintf("[AmazonHLSUpload]\nwatch_dir = '/var/media'\ndefault_bucket = 'live'\n"+
		"[Admin]\nlisten = %s\ntoken = 's3cret-token-of-admin'\n", listen)
	if err := os.WriteFile(ini, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return ini
}

func TestStatusPrintsTheWorstFirstAndFailsWhenAStreamSuffers(t *testing.T) {
	now := time.Now()
	chunk := now.Add(-190 * time.Second)
	stalled := api.Stream{Stream: "news/sport\x1b[31m", Format: "HLS", State: health.Stalled, Since: now.Add(-168 * time.Second),
		Chunk: &chunk, Edge: &chunk, Why: "no new chunk on the disk for 3m10s", Backlog: 2}
	live := api.Stream{Stream: "news/weather", Format: "DASH", State: health.Live, Since: now.Add(-72 * time.Hour), Lag: 0.1874}
	both := &fakeDaemon{streams: []api.Stream{stalled, live}}

	since := now.Add(-time.Hour)
	hidden := &fakeDaemon{streams: []api.Stream{live}, directories: []api.Directory{{Directory: "/srv",
		Unseen: []api.Unseen{{Directory: "/srv/news\x1b[31m", Since: &since, Why: "permission denied"}}}}}

	for name, c := range map[string]struct {
		daemon *fakeDaemon
		args   []string
		code   int
		stdout []string
		stderr string
	}{
		"all":              {both, nil, exitFailed, []string{"1 stalled, 1 live", "STREAM", "news/sport?[31m", "2m48s", "3m10s", "187ms", "3d"}, ""},
		"one that is well": {both, []string{"weather"}, exitFine, []string{"1 live"}, ""},
		"one that suffers": {both, []string{"sport"}, exitFailed, []string{"1 stalled", "no new chunk"}, ""},
		"a directory that cannot be read": {hidden, nil, exitFine, []string{"1 live",
			"cannot read /srv/news?[31m: permission denied, since 1h0m; streams there are not in this list"}, ""},
		"one that is not":   {both, []string{"film"}, exitFailed, nil, `no stream has "film"`},
		"there are none":    {&fakeDaemon{}, nil, exitFine, []string{"no streams"}, ""},
		"as JSON":           {both, []string{"--json"}, exitFailed, []string{`"state": "stalled"`, `"backlog": 2`}, ""},
		"as JSON, all well": {&fakeDaemon{}, []string{"--json"}, exitFine, []string{`"streams": []`}, ""},
	} {
		code, stdout, stderr := status(t, c.daemon, c.args...)
		if code != c.code || !strings.Contains(stderr, c.stderr) || (stderr == "") != (c.stderr == "") {
			t.Errorf("%s: exit code %d, %q, want %d and %q", name, code, stderr, c.code, c.stderr)
		}
		for _, want := range c.stdout {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: %q is not in\n%s", name, want, stdout)
			}
		}
		if c.args != nil && c.args[0] == "--json" && !json.Valid([]byte(stdout)) {
			t.Errorf("%s: not JSON:\n%s", name, stdout)
		}
		if strings.ContainsRune(stdout, 0x1b) {
			t.Errorf("%s: a stream's name controls the terminal: %q", name, stdout)
		}
	}
}

func TestStatusSaysWhyTheDaemonCannotBeAsked(t *testing.T) {
	code, stdout, stderr := statusAt(t, "127.0.0.1:1")
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "127.0.0.1:1") || !strings.Contains(stderr, "does it run") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	code, _, stderr = statusAt(t, "''")
	if code != exitUsage || !strings.Contains(stderr, "listen of [Admin]") {
		t.Errorf("without a listener: exit code %d, %q", code, stderr)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "<html>") }))
	defer other.Close()
	code, _, stderr = statusAt(t, strings.TrimPrefix(other.URL, "http://"))
	if code != exitFailed || !strings.Contains(stderr, "not from the API of ems-sidecar") {
		t.Errorf("beside another server: exit code %d, %q", code, stderr)
	}
	for _, text := range []string{stderr, stdout} {
		if strings.Contains(text, "s3cret-token") {
			t.Errorf("the token is in %q", text)
		}
	}
}

// A listener that lets only other hosts in answers no command on this one.
func TestCommandsSayThatAllowLeavesThisHostOut(t *testing.T) {
	for _, c := range []struct {
		listen, allow string
		wrong         bool
	}{
		{"0.0.0.0:4001", "10.0.0.0/8", true},
		{"0.0.0.0:4001", "127.0.0.0/8", false},
		{"10.0.0.5:4001", "10.0.0.0/8", false},
	} {
		_, err := adminClient(config.Admin{Listen: c.listen, Allow: []netip.Prefix{netip.MustParsePrefix(c.allow)}})
		if (err != nil) != c.wrong || c.wrong && !strings.Contains(err.Error(), "127.0.0.1; add it") {
			t.Errorf("listen = %s, allow[] = %s: %v", c.listen, c.allow, err)
		}
	}
}
