package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/listen"
	"ems-sidecar/internal/s3test"
)

// inFront returns the URL of a proxy before the server, to which each request goes that the handler
// lets pass.
func inFront(t *testing.T, server *s3test.Server, before func(w http.ResponseWriter, r *http.Request) (pass bool)) string {
	t.Helper()
	target, err := url.Parse(server.Endpoint)
	e2e.Must(t, err)
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before(w, r) {
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// check runs the check of a config, and returns what it prints. The last line is its verdict.
func check(t *testing.T, root, endpoint string, replace []string, more ...string) (code int, out, verdict string) {
	t.Helper()
	code, stdout, stderr := e2e.RunCommandLine(t, "check", "--config", writeConfig(t, root, endpoint, replace, more...))
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	return code, stdout + stderr, lines[len(lines)-1]
}

// The proxy refuses bodies of more than a limit, whichever that is.
func TestCheckFindsAProxyThatRefusesChunks(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	for _, limit := range []int64{1 << 20, 4 << 20} {
		proxy := inFront(t, server, func(w http.ResponseWriter, r *http.Request) bool {
			if r.ContentLength <= limit {
				return true
			}
			io.Copy(io.Discard, r.Body) // as nginx does, so that the client sees the answer
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			io.WriteString(w, "<html><head><title>413 Request Entity Too Large</title></head></html>")
			return false
		})
		code, out, verdict := check(t, t.TempDir(), proxy, nil)
		want := "FAIL  chunk"
		wantCode := exitFailed
		if limit > chunkSize {
			want, wantCode = "warn  parts", exitFine
		}
		e2e.Says(t, out, want, "refuses bodies of ", "client_max_body_size")
		if code != wantCode || strings.Contains(verdict, "everything is fine") {
			t.Errorf("exit code %d, %s", code, verdict)
		}
	}
}

// R2's and Spaces' dashboards show endpoints with the bucket in them.
func TestCheckFindsABucketInTheEndpoint(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	code, out, verdict := check(t, t.TempDir(), server.Endpoint+"/live", nil)
	e2e.Says(t, out, "FAIL  endpoint", "set endpoint = "+server.Endpoint, "each key begins with live/")
	if code != exitFailed || !strings.Contains(verdict, "failed") {
		t.Errorf("exit code %d, %s", code, verdict)
	}
	if keys, err := server.Keys(); err != nil || len(keys) > 0 {
		t.Errorf("left in the bucket: %q, %v", keys, err)
	}
	// A host that is the bucket's.
	ofBucket := inFront(t, server, func(_ http.ResponseWriter, r *http.Request) bool {
		r.URL.Path = "/live" + r.URL.Path
		return true
	})
	_, out, _ = check(t, t.TempDir(), ofBucket, []string{s3test.SecretKey, "any"})
	if strings.Contains(out, "everything is fine") {
		t.Error(out)
	}
}

func TestCheckReportsAMissingRightToList(t *testing.T) {
	t.Parallel()
	proxy := inFront(t, s3test.Start(t), func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("list-type") {
			return true
		}
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
		return false
	})
	code, out, verdict := check(t, t.TempDir(), proxy, nil)
	e2e.Says(t, out, "warn  list", "allow s3:ListBucket on arn:aws:s3:::live", "Again, what is wrong:")
	if code != exitFine || !strings.HasPrefix(verdict, "it works; warnings: 1") {
		t.Errorf("exit code %d, %s", code, verdict)
	}
}

// What takes a port away from the daemon is found, and the daemon itself is none of that.
func TestCheckFindsPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   int
		says   string
	}{
		"something else": {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, exitFailed, "another program has the port"},
		"a login":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, exitFailed, "401"},
		"something that is well": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }, exitFailed,
			"is answered 200 OK, and not by ems-sidecar"},
		"the daemon":                {ours(http.StatusOK), exitFine, "where the daemon answers"},
		"a daemon that is not well": {ours(http.StatusServiceUnavailable), exitFine, "where the daemon answers"},
	} {
		t.Run(name, func(t *testing.T) {
			taken := httptest.NewServer(c.answer)
			defer taken.Close()
			ini := filepath.Join(t.TempDir(), "config.ini")
			e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(t.TempDir(), server.Endpoint, taken.Listener.Addr().String())), 0o600))
			code, out, _ := e2e.RunCommandLine(t, "check", "--config", ini)
			if code != c.code {
				t.Errorf("exit code %d", code)
			}
			e2e.Says(t, out, c.says)
		})
	}
	t.Run("no address of this host", func(t *testing.T) {
		ini := filepath.Join(t.TempDir(), "config.ini")
		e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(t.TempDir(), server.Endpoint, "192.0.2.1:4001")+"\ntoken = t\n"), 0o600))
		code, out, _ := e2e.RunCommandLine(t, "check", "--config", ini)
		if code == exitFine {
			t.Error(out)
		}
	})
}

// ours answers as the daemon does.
func ours(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", listen.Server)
		w.WriteHeader(status)
	}
}

// A program at the port of events that accepts everything is not the daemon.
func TestCheckFindsWhoElseTakesEvents(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   int
		says   string
	}{
		"something that accepts all": {func(http.ResponseWriter, *http.Request) {}, exitFailed,
			"another program has the port, so that the daemon would get no events"},
		"something that accepts none": {http.NotFound, exitFailed, "the answer is 404 Not Found"},
		"the daemon":                  {ours(http.StatusOK), exitFine, "accepted by the daemon"},
	} {
		t.Run(name, func(t *testing.T) {
			taken := httptest.NewServer(c.answer)
			defer taken.Close()
			ini := filepath.Join(t.TempDir(), "config.ini")
			text := e2e.ConfigFor(t.TempDir(), server.Endpoint, "off") +
				"\n[TranscodeResetter]\n[Hooks]\nlisten = " + taken.Listener.Addr().String() + "\n"
			e2e.Must(t, os.WriteFile(ini, []byte(text), 0o600))
			_, out, _ := e2e.RunCommandLine(t, "check", "--config", ini)
			e2e.Says(t, out, c.says)
			if failed := strings.Contains(out, "FAIL  events"); failed != (c.code == exitFailed) {
				t.Errorf("exit code %d", c.code)
			}
		})
	}
}

// A store that takes requests and never answers costs a few seconds, in which it is told what is
// waited for.
func TestCheckEndsWithAStoreThatHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	e2e.Must(t, err)
	defer l.Close()
	code, out, verdict := check(t, t.TempDir(), "http://"+l.Addr().String(), nil)
	e2e.Says(t, out, "wait  write", "for at most 5s", "not done within 5s", "timeout while waiting for the answer of "+l.Addr().String())
	if code != exitFailed || !strings.Contains(verdict, "tests failed") {
		t.Errorf("exit code %d, %s", code, verdict)
	}
}

func TestCheckLooksThroughWatchedDirectories(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	root, elsewhere := t.TempDir(), t.TempDir()
	e2e.Must(t, os.MkdirAll(filepath.Join(root, "g/s"), 0o755))
	for _, name := range []string{"linked", "g/linked", "g/s/linked"} {
		e2e.Must(t, os.Symlink(elsewhere, filepath.Join(root, name)))
	}
	e2e.Must(t, os.Symlink("nowhere", filepath.Join(root, "g/s/dangling.ts")))
	code, out, verdict := check(t, root, server.Endpoint, nil)
	e2e.Says(t, out, "warn  directory", "symbolic links are not followed, and nothing is published from g/linked, g/s/linked, linked")
	if code != exitFine || !strings.HasPrefix(verdict, "it works; warnings: 1") || strings.Contains(out, "dangling") {
		t.Errorf("exit code %d, %s", code, out)
	}
	if os.Geteuid() == 0 {
		t.Skip("root enters every directory")
	}
	e2e.Must(t, os.Mkdir(filepath.Join(root, "g/s/closed"), 0))
	code, out, _ = check(t, root, server.Endpoint, nil)
	e2e.Says(t, out, "FAIL  directory", "this user cannot enter its directories g/s/closed")
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

// The names of many are not all told.
func TestManyNamesAreCounted(t *testing.T) {
	var n names
	for i := range 5 {
		n.add(fmt.Sprint("d", i))
	}
	if got := n.String(); got != "d0, d1, d2 and 2 more" {
		t.Error(got)
	}
}

// A mistake in the config leaves nothing to test, and the check says so.
func TestCheckHasAVerdictOnAWrongConfig(t *testing.T) {
	t.Parallel()
	code, out, verdict := check(t, t.TempDir(), "http://127.0.0.1:1", nil, "Upload workers = many")
	e2e.Says(t, out, "must be a whole number")
	if code != exitUsage || !strings.Contains(out, "nothing was tested: the config has 1 mistakes") {
		t.Errorf("exit code %d, %s", code, verdict)
	}
}

// What the config is likely not meant to say is a warning of the check, too.
func TestCheckRepeatsTheConfigsWarnings(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	code, out, verdict := check(t, t.TempDir(), server.Endpoint, nil, "Watcher settle = 30")
	e2e.Says(t, out, "warn  config", "write 30ms if milliseconds are meant")
	if code != exitFine || !strings.HasPrefix(verdict, "it works; warnings: 1") {
		t.Errorf("exit code %d, %s", code, verdict)
	}
}
