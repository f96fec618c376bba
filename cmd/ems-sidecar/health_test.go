package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ems-sidecar/admin"
	"ems-sidecar/admin/api"
	"ems-sidecar/uploader/health"
)

// An aliveDaemon answers /healthz, and has streams.
type aliveDaemon struct {
	fakeDaemon
	alive   bool
	remarks []string
}

func (d *aliveDaemon) Alive(context.Context) bool { return d.alive }
func (d *aliveDaemon) NotReady() []string         { return nil }
func (d *aliveDaemon) Metrics() http.Handler      { return http.NotFoundHandler() }
func (d *aliveDaemon) Remarks() ([]string, bool)  { return d.remarks, true }

// healthAt runs the command against the handler.
func healthAt(t *testing.T, handler http.Handler) (code int, stdout, stderr string) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	ini := filepath.Join(t.TempDir(), "config.ini")
	content := fmt.Sprintf("[AmazonHLSUpload]\nwatch_dir = '/var/media'\ndefault_bucket = 'live'\n"+
		"[Admin]\nlisten = %s\ntoken = 's3cret-token-of-admin'\n", strings.TrimPrefix(server.URL, "http://"))
	if err := os.WriteFile(ini, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code = execute(t.Context(), []string{"health", "--config", ini}, surroundings{&out, &errs, func(string) string { return "" }})
	return code, out.String(), errs.String()
}

func TestHealthFailsOnlyIfTheDaemonDoesNotWork(t *testing.T) {
	stalled := fakeDaemon{streams: []api.Stream{{Stream: "news/sport", Format: "HLS", State: health.Stalled}}}
	for name, c := range map[string]struct {
		daemon         *aliveDaemon
		code           int
		stdout, stderr string
	}{
		"well":             {&aliveDaemon{alive: true}, exitFine, "ok\n", ""},
		"a stream suffers": {&aliveDaemon{fakeDaemon: stalled, alive: true}, exitFine, "ok\n", ""},
		"a directory hangs": {&aliveDaemon{alive: true, remarks: []string{"/a\x1b[31m hangs"}}, exitFine,
			"ok\n/a?[31m hangs\n", ""},
		"stuck": {&aliveDaemon{}, exitFailed, "", "503 Service Unavailable: the uploader does not answer"},
	} {
		code, stdout, stderr := healthAt(t, authorized(admin.Handler(c.daemon)))
		if code != c.code || stdout != c.stdout || !strings.Contains(stderr, c.stderr) || (stderr == "") != (c.stderr == "") {
			t.Errorf("%s: exit code %d, %q, %q, want %d, %q, %q", name, code, stdout, stderr, c.code, c.stdout, c.stderr)
		}
	}
}

func TestHealthFailsWithoutADaemon(t *testing.T) {
	hung := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) })
	code, stdout, stderr := healthAt(t, hung)
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "does not work") || strings.Contains(stderr, "s3cret") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// authorized refuses requests without the token, as the daemon's listener does.
func authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret-token-of-admin" {
			http.Error(w, "the token of [Admin] is missing or wrong", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
