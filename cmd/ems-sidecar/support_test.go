package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ems-sidecar/admin"
	"ems-sidecar/admin/api"
	"ems-sidecar/config"
	"ems-sidecar/internal/daemon"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/history"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader"
	"ems-sidecar/uploader/health"
)

const canary = "cAnArY"

// A leakyDaemon cites secrets of others in all that it says.
type leakyDaemon struct {
	fakeDaemon
	root string
}

func (d *leakyDaemon) Alive(context.Context) bool { return true }
func (d *leakyDaemon) NotReady() []string {
	return []string{"rtmp://me:" + canary + "@source/live hangs"}
}
func (d *leakyDaemon) Remarks() ([]string, bool) { return nil, true }
func (d *leakyDaemon) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `ems_sidecar_up{uri="rtmp://me:`+canary+`@source"} 1`)
	})
}
func (d *leakyDaemon) Streams(context.Context) ([]api.Stream, bool) {
	return []api.Stream{{ID: "hls/g/s", Stream: "g/s", Format: "HLS", Root: d.root, Bucket: "live", Key: "g/s", State: health.Failing,
		Failure: "pull of rtmp://me:" + canary + "@source/live?key=" + canary + " failed"}}, true
}
func (d *leakyDaemon) Events(since uint64) (e []history.Event, ch <-chan struct{}) {
	if since == 0 {
		e = []history.Event{{ID: 1, Text: `pulled "http://me:` + canary + `@source/live?token=` + canary + `"`}}
	}
	return e, ch
}

// secretsEverywhere is a config with a secret in each place that can have one.
func secretsEverywhere(t *testing.T, root, endpoint, listen string) string {
	file := filepath.Join(t.TempDir(), canary+"File")
	e2e.Must(t, os.WriteFile(file, []byte(canary+"InAFile"), 0o600))
	return fmt.Sprintf(`[S3]
default_bucket = live
region = us-east-1
endpoint = %[2]s
aws_access_key = %[4]s
aws_secret_key = %[5]s
[AmazonHLSUpload]
watch_dir = %[1]s
; an old one: aws_secret_key = cAnArYInAComment
[AmazonHDSUpload]
watch_dir = %[1]s
aws_access_key = AKIB
aws_secret_key_file = %[3]s
[EMS]
api_url = http://me:cAnArYInEMS@127.0.0.1:1/apiproxy
username = ems
password = 'cAnArY "&<>'
[Hooks]
listen = 127.0.0.1:0
secret = cAnArYOfHooks
[StreamAutoRouter]
token = ''
destination_uri[] = rtmp://me:cAnArYOfRouter@127.0.0.1/live?key=cAnArYKey
[StreamLoadBalancer]
destination_uri = http://me:cAnArYOfMember@127.0.0.1:1/apiproxy
username = ems
password = cAnArYOfBalancer
[Admin]
listen = %[6]s
token_file = %[3]s
`, root, endpoint, file, s3test.AccessKey, s3test.SecretKey, listen)
}

// unpack returns the files of an archive.
func unpack(t *testing.T, archive io.Reader) map[string]string {
	t.Helper()
	zipped, err := gzip.NewReader(archive)
	e2e.Must(t, err)
	found := make(map[string]string)
	for files := tar.NewReader(zipped); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		e2e.Must(t, err)
		content, err := io.ReadAll(files)
		e2e.Must(t, err)
		found[strings.TrimPrefix(h.Name, "ems-sidecar-support/")] = string(content)
	}
}

func TestSupportHasEverythingButSecrets(t *testing.T) {
	store := s3test.Start(t)
	root, bin := t.TempDir(), t.TempDir()
	e2e.Must(t, os.MkdirAll(filepath.Join(root, "g/s"), 0o755))
	e2e.Must(t, os.WriteFile(filepath.Join(root, "g/s/segment_1_1.ts"), []byte("chunk"), 0o644))
	e2e.Must(t, os.WriteFile(filepath.Join(bin, "journalctl"), []byte("#!/bin/sh\necho \"$@\"\n"+
		"echo pull of rtmp://me:"+canary+"@source/live failed with "+canary+"OfHooks, Authorization: Bearer "+canary+"\n"), 0o700))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))

	d := &leakyDaemon{root: root}
	server := httptest.NewServer(admin.Handler(d))
	defer server.Close()
	content := secretsEverywhere(t, root, store.Endpoint, strings.TrimPrefix(server.URL, "http://"))
	for _, s := range config.Reference() {
		for _, k := range s.Keys {
			if alternative := s.Name == "Admin" && k.Name == "token"; k.Secret && !alternative && !strings.Contains(content, k.Name+" = ") {
				t.Errorf("[%s] %s is a secret, and not in this test", s.Name, k.Name)
			}
		}
	}
	cfg, err := config.Parse("c", []byte(content))
	e2e.Must(t, err)
	bucket, err := daemon.OpenStore(t.Context(), cfg.Uploads[0], cfg.Upload, slog.New(slog.DiscardHandler))
	e2e.Must(t, err)
	defer bucket.Close()
	e2e.Must(t, bucket.Put(t.Context(), uploader.Object{Key: "g/s/segment_1_0.ts", Body: strings.NewReader("older"), Size: 5}))
	env := map[string]string{"AWS_SECRET_ACCESS_KEY": canary + "InEnv", "AWS_SESSION_TOKEN": canary + "InSession"}

	code, stdout, stderr := commandLine(t, content, env, "support", "-o", "-")
	if code != exitFine || strings.Contains(stderr, canary) {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	found := unpack(t, strings.NewReader(stdout))
	for name, want := range map[string]string{
		"MANIFEST":         "stream.txt",
		"config.txt":       "aws_secret_key = ***",
		"check.txt":        "ok    write",
		"log.txt":          "--unit ems-sidecar",
		"metrics.txt":      "ems_sidecar_up",
		"goroutines.txt":   "goroutine ",
		"api/streams.json": `"failure":"pull of rtmp://***@source`,
		"api/events.jsonl": `"id":1`,
		"api/config.json":  `"settings"`,
		"api/version.json": `"version"`,
		"stream.txt":       "segment_1_1.ts",
		"host.txt":         "user ",
		"mounts.txt":       "/proc",
		"limits.txt":       "max_user_watches",
	} {
		if runtime.GOOS != "linux" && (name == "mounts.txt" || name == "limits.txt") {
			continue
		}
		if content, ok := found[name]; !ok || !strings.Contains(content, want) {
			t.Errorf("%s: %q is not in\n%s", name, want, content)
		}
	}
	for name, content := range found {
		for _, secret := range []string{canary, s3test.SecretKey} {
			if i := strings.Index(content, secret); i >= 0 {
				t.Errorf("%s has a secret: %q", name, content[max(0, i-80):min(len(content), i+80)])
			}
		}
	}
	if s := found["stream.txt"]; !strings.Contains(s, "  g/s/segment_1_0.ts\n") || strings.Contains(s, "not to the end") {
		t.Errorf("the bucket is not listed:\n%s", s)
	}
	if m := found["MANIFEST"]; !strings.Contains(m, "missing  ready.txt: /readyz: 503") {
		t.Errorf("what is missing is not told:\n%s", m)
	}
}

// What cannot be had is a line: neither daemon, journal, bucket nor a right config is needed.
func TestSupportTellsWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := t.TempDir()
	for name, content := range map[string]string{
		"no daemon":      offline(dir),
		"a wrong config": "[S3]\naws_secretkey = " + canary + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "support.tar.gz")
			code, stdout, stderr := commandLine(t, content, nil, "support", "--output", out)
			if code != exitFine || stdout != out+"\n" || !strings.Contains(stderr, "missing: log.txt: ") {
				t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
			}
			archive, err := os.ReadFile(out)
			e2e.Must(t, err)
			found := unpack(t, bytes.NewReader(archive))
			for _, want := range []string{"missing  log.txt: this host has no journal", "missing  api/streams.json: ", "missing  metrics.txt: ",
				"missing  stream.txt: ", "  check.txt\n", "  config.txt\n"} {
				if !strings.Contains(found["MANIFEST"], want) {
					t.Errorf("%q is not in\n%s", want, found["MANIFEST"])
				}
			}
			if strings.Contains(fmt.Sprint(found), canary) {
				t.Errorf("a secret is in %q", found)
			}
			if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
			if code, _, stderr := commandLine(t, content, nil, "support", "-o", out); code != exitFailed || !strings.Contains(stderr, "-o") {
				t.Errorf("over another file: exit code %d, %q", code, stderr)
			}
		})
	}
}

func TestSupportIsBounded(t *testing.T) {
	var archive bytes.Buffer
	zipped := gzip.NewWriter(&archive)
	b := newBundle(zipped, func(text string) string { return strings.ReplaceAll(text, canary, "*") })
	e2e.Must(t, b.add("long", []byte(strings.Repeat("x", maxSupportPart-1)+canary+"y"), nil)) // the limit is in the secret
	e2e.Must(t, b.end("v1"))
	e2e.Must(t, zipped.Close())
	found := unpack(t, &archive)
	if got := found["long"]; len(got) != maxSupportPart || !strings.HasSuffix(got, "x*") || !strings.Contains(found["MANIFEST"], "long, cut") {
		t.Errorf("%d bytes, ending in %q\n%s", len(got), got[max(0, len(got)-10):], found["MANIFEST"])
	}
}

// Of one of several streams in a directory, all that is in the directory is listed, on the disk and in the
// bucket.
func TestSupportListsTheDirectoryOfAStreamThatSharesIt(t *testing.T) {
	store := s3test.Start(t)
	root := t.TempDir()
	for _, dir := range []string{root, filepath.Join(store.Dir, "pre")} {
		e2e.Must(t, os.MkdirAll(filepath.Join(dir, "g"), 0o755))
		e2e.Must(t, os.WriteFile(filepath.Join(dir, "g/cam-1.ts"), []byte("chunk"), 0o644))
	}
	file := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(file, []byte(fmt.Sprintf("[S3]\ndefault_bucket = live\nregion = us-east-1\nendpoint = %s\n"+
		"aws_access_key = %s\naws_secret_key = %s\n[HLS]\nwatch_dir = %s\nprefix = pre/\n",
		store.Endpoint, s3test.AccessKey, s3test.SecretKey, root)), 0o600))
	cfg, err := config.Load(file)
	e2e.Must(t, err)
	shared := api.Stream{Stream: "g/cam", Directory: "g", Format: "HLS", Root: root, Bucket: "live", Key: "pre/g/cam"}
	text := string(facts{cfg: cfg}.list(t.Context(), shared))
	if strings.Count(text, "cam-1.ts") != 2 || strings.Contains(text, "not to the end") {
		t.Errorf("it lists\n%s", text)
	}
}
