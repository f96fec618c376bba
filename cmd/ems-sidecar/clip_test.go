package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ems-sidecar/admin/api"
)

// clip runs the command against a daemon with one stream.
func clip(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	mux := http.NewServeMux()
	sport := api.Stream{ID: "hls/live/news/sport", Stream: "news/sport", Key: "live/news/sport", Format: "HLS"}
	api.Register(mux, &fakeDaemon{streams: []api.Stream{sport}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret-token-of-admin" {
			http.Error(w, "the token of [Admin] is missing or wrong", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	defer server.Close()
	ini := writeAdminConfig(t, strings.TrimPrefix(server.URL, "http://"))
	var out, errs bytes.Buffer
	code = execute(t.Context(), append([]string{"clip", "--config", ini}, args...),
		surroundings{&out, &errs, func(string) string { return "" }})
	return code, out.String(), errs.String()
}

func TestClipTellsWhereItIs(t *testing.T) {
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"so long ago": {[]string{"sport", "--from", "-10m", "--to", "-1m"}, 0,
			"live/-10m/clips/goal/playlist.m3u8 in the bucket ems\n300 segments from 2026-11-30T04:00:00Z to 2026-11-30T04:10:00Z, with 1 seams\n", ""},
		"with an equals sign": {[]string{"sport", "--from=-10m"}, 0, "live/-10m/clips", ""},
		"a time":              {[]string{"news/sport", "--from", "2026-11-30T04:00:00Z"}, 0, "live/2026-11-30T04:00:00Z/clips", ""},
		"as JSON":             {[]string{"sport", "--from", "-10m", "--json"}, 0, `"segments": 300`, ""},
		"a name that is used": {[]string{"sport", "--from", "-10m", "--name", "taken"}, 1, "", "no clip is made: /api/v1/streams/hls%2Flive%2Fnews%2Fsport/clips: 409 Conflict: there is a clip of this name"},
		"no such stream":      {[]string{"weather", "--from", "-10m"}, 2, "", `no stream is called "weather"`},
		"a flag for a time":   {[]string{"sport", "--from", "--json"}, 2, "", "needs a time"},
		"no beginning":        {[]string{"sport"}, 2, "", "--from"},
	} {
		code, stdout, stderr := clip(t, c.args...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
		}
	}
}
