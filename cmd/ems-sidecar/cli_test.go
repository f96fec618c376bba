package main

import (
	"crypto/md5"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
)

// writeConfig writes what configFor returns, with each old text replaced by the new one behind it,
// and returns the file's path.
func writeConfig(t *testing.T, root, endpoint string, replace []string, more ...string) string {
	t.Helper()
	ini := filepath.Join(t.TempDir(), "config.ini")
	text := strings.NewReplacer(replace...).Replace(e2e.ConfigFor(root, endpoint, e2e.FreeAddress(t), more...))
	e2e.Must(t, os.WriteFile(ini, []byte(text), 0o600))
	return ini
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		out  string
		errs string
	}{
		{[]string{"version"}, exitFine, "ems-sidecar ", ""},
		{[]string{"--help"}, exitFine, "Usage:\n  ems-sidecar", ""},
		{[]string{"check", "--help"}, exitFine, "--config", ""},
		{nil, exitUsage, "", "--help"},
		{[]string{"rnu"}, exitUsage, "", "rnu"},
		{[]string{"run", "--no-such-flag"}, exitUsage, "", "--no-such-flag"},
		{[]string{"check", "--ofline"}, exitUsage, "", "did you mean --offline?"},
		{[]string{"check", "live"}, exitUsage, "", `unexpected argument "live"`},
		{[]string{"trace"}, exitUsage, "", "STREAM is missing"},
		{[]string{"config"}, exitUsage, "", "show, lua"},
		{[]string{"config", "shwo"}, exitUsage, "", "show, lua"},
		{[]string{"completion", "tcsh"}, exitUsage, "", `"tcsh"`},
		{[]string{"clip", "--config", "/nonexistent/config.ini", "news"}, exitUsage, "", "--from is missing"},
		{[]string{"clip", "--from", "--to", "news"}, exitUsage, "", "needs a time"},
		{[]string{"--version"}, exitFine, "ems-sidecar ", ""},
		{[]string{"run", "--config", "/nonexistent/config.ini"}, exitUsage, "", "/nonexistent/config.ini"},
		{[]string{"check", "--config", "/nonexistent/config.ini"}, exitUsage, "", "--config"},
	} {
		code, out, errs := e2e.RunCommandLine(t, c.args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("%q: exit code %d, want %d; stdout %q, want %q; stderr %q, want %q", c.args, code, c.code, out, c.out, errs, c.errs)
		}
	}
}

func TestAllMistakesInTheConfigArePrintedAtOnce(t *testing.T) {
	t.Parallel()
	ini := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(`[S3]
aws_access_key = 'AKIDEXAMPLE'
aws_secret_key = '`+s3test.SecretKey+`'
regoin = eu-central-1
[AmazonHLSUpload]
watch_dir = /srv/live
default_bucket = live
[Upload]
workers = many
[AmazonHDSUpload]
default_bucket = live
[Hooky]
listen = x
`), 0o600))
	for _, command := range []string{"run", "check"} {
		code, out, errs := e2e.RunCommandLine(t, command, "--config", ini)
		if code != exitUsage {
			t.Errorf("%s: exit code %d, want %d", command, code, exitUsage)
		}
		e2e.Says(t, out+errs, ini+":4", "regoin", "region", ini+":9", "workers", "many", "Hooky", "Hooks")
	}
}

func TestCheckAgainstARealServer(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	server := s3test.Start(t)
	nobodyListens := "http://" + e2e.FreeAddress(t)
	notADirectory := filepath.Join(root, "file")
	e2e.Must(t, os.WriteFile(notADirectory, nil, 0o600))
	for _, c := range []struct {
		name     string
		root     string
		endpoint string
		replace  []string
		more     []string
		code     int
		says     []string
	}{
		{"all is well", root, server.Endpoint, nil, nil, exitFine,
			[]string{"ok    config", "ok    directory  " + root, "access key " + s3test.AccessKey + " from the config file", "ok    write", "ok    read", "ok    delete", "everything is fine"}},
		{"below a prefix", root, server.Endpoint, nil, []string{"S3 prefix = 'a/b c/'"}, exitFine,
			[]string{"key a/b c/.ems-sidecar-check-", "everything is fine"}},
		{"no such bucket", root, server.Endpoint, []string{"'live'", "'absent'"}, nil, exitFailed,
			[]string{"FAIL  write", "there is no bucket absent at " + server.Endpoint, "create it, or correct default_bucket"}},
		{"wrong secret", root, server.Endpoint, []string{s3test.SecretKey, "another-secret"}, nil, exitFailed,
			[]string{"FAIL  write", "SignatureDoesNotMatch", "correct aws_secret_key"}},
		{"unknown access key", root, server.Endpoint, []string{"'" + s3test.AccessKey + "'", "'AKIDUNKNOWN'"}, nil, exitFailed,
			[]string{"FAIL  write", "No user exists", "correct aws_access_key"}},
		{"connection refused", root, nobodyListens, nil, nil, exitFailed,
			[]string{"FAIL  write", "connection refused", nobodyListens, "is the endpoint right"}},
		{"missing directory", filepath.Join(root, "absent"), server.Endpoint, nil, nil, exitFailed,
			[]string{"FAIL  directory", "does not exist", "targetFolder", "ok    delete"}},
		{"a file instead of a directory", notADirectory, server.Endpoint, nil, nil, exitFailed,
			[]string{"FAIL  directory", "not a directory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := e2e.RunCommandLine(t, "check", "--config", writeConfig(t, c.root, c.endpoint, c.replace, c.more...))
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			e2e.Says(t, out+errs, c.says...)
			if strings.Contains(out+errs, "another-secret") {
				t.Errorf("the secret key is in:\n%s%s", out, errs)
			}
			if keys, err := server.Keys(); err != nil || len(keys) > 0 {
				t.Errorf("left in the bucket: %q (%v)", keys, err)
			}
		})
	}
}

// check leaves the watched directories as they are, and makes none that EMS has not made.
func TestCheckLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	dir := t.TempDir()
	absent := filepath.Join(dir, "not", "mounted")
	code, out, _ := e2e.RunCommandLine(t, "check", "--config", writeConfig(t, absent, server.Endpoint, nil))
	if code != exitFailed || strings.Contains(out, "spool") {
		t.Errorf("exit code %d, %s", code, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("made for a directory that is not there: %v, %v", left, err)
	}

	empty := filepath.Join(dir, "empty")
	e2e.Must(t, os.Mkdir(empty, 0o755))
	code, out, _ = e2e.RunCommandLine(t, "check", "--config", writeConfig(t, empty, server.Endpoint, nil))
	if code != exitFine {
		t.Errorf("exit code %d", code)
	}
	e2e.Says(t, out, "ok    spool", "not tested with a file of a stream, since none exists yet")
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("left in an empty directory: %v, %v", left, err)
	}

	e2e.Must(t, os.MkdirAll(filepath.Join(empty, "g/s"), 0o755))
	e2e.Must(t, os.WriteFile(filepath.Join(empty, "g/s/1.ts"), []byte("x"), 0o644))
	e2e.Must(t, os.MkdirAll(filepath.Join(empty, ".ems-sidecar/hls"), 0o700))
	_, out, _ = e2e.RunCommandLine(t, "check", "--config", writeConfig(t, empty, server.Endpoint, nil))
	e2e.Says(t, out, "ok    spool")
	if strings.Contains(out, "not tested with one") {
		t.Errorf("a file was not tried:\n%s", out)
	}
	if left, err := os.ReadDir(filepath.Join(empty, ".ems-sidecar")); err != nil || len(left) != 1 {
		t.Errorf("in the spool are %v, %v", left, err)
	}

	elsewhere := filepath.Join(dir, "no", "such", "spool")
	_, out, _ = e2e.RunCommandLine(t, "check", "--config", writeConfig(t, empty, server.Endpoint, nil, "Upload spool_dir = "+elsewhere))
	e2e.Says(t, out, "warn  spool", filepath.Dir(elsewhere)+" does not exist")
	if _, err := os.Stat(filepath.Join(dir, "no")); err == nil {
		t.Error("the directory of a spool_dir was made")
	}
}

func TestCheckOfRecordings(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	var refuse atomic.Bool
	proxy.Before = func(q *s3test.Request, w http.ResponseWriter) bool {
		if !refuse.Load() || q.Method != http.MethodGet || !strings.Contains(q.Query, "uploads") {
			return true
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
		return false
	}
	root := t.TempDir()
	check := func() (code int, out string) {
		code, stdout, stderr := e2e.RunCommandLine(t, "check", "--config", writeConfig(t, t.TempDir(), proxy.Endpoint, nil,
			"AmazonRecordUpload watch_dir = '"+root+"'", "AmazonRecordUpload delete_local = after_upload"))
		return code, stdout + stderr
	}
	code, out := check()
	if code != exitFine {
		t.Errorf("exit code %d", code)
	}
	e2e.Says(t, out, "ok    directory  "+root, "ok    deletion   "+root, "ok    resume", "everything is fine")
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left in the directory: %v, %v", left, err)
	}
	if err := checkDeletion("/proc"); err == nil || !strings.Contains(err.Error(), "ReadWritePaths=/proc") {
		t.Errorf("where nothing can be deleted: %v", err)
	}
	// It does without.
	refuse.Store(true)
	if code, out = check(); code != exitFine {
		t.Errorf("exit code %d", code)
	}
	e2e.Says(t, out, "warn  resume", "s3:ListBucketMultipartUploads", "from its beginning again", "\nit works; warnings: 1")
}

// What S3 answers, by its documentation, and another server does not.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func TestCheckSaysWhatS3Refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		method  string // that is refused
		status  int
		code    string
		message string
		extra   string // further XML
		header  string // x-amz-bucket-region
		more    []string
		says    []string
	}{
		{"access denied to write", "PUT", 403, "AccessDenied", "Access Denied", "", "", nil,
			[]string{"FAIL  write", "allow s3:PutObject on arn:aws:s3:::live/*"}},
		{"access denied to read", "GET", 403, "AccessDenied", "Access Denied", "", "", nil,
			[]string{"ok    write", "FAIL  read", "allow s3:GetObject on arn:aws:s3:::live/*", "ok    delete"}},
		{"access denied to delete", "POST", 403, "AccessDenied", "Access Denied", "", "", nil,
			[]string{"ok    read", "FAIL  delete", "allow s3:DeleteObject on arn:aws:s3:::live/*"}},
		{"access denied to mirror deletions", "POST", 403, "AccessDenied", "Access Denied", "", "", []string{"S3 delete = mirror"},
			[]string{"FAIL  delete", "delete = mirror needs the right to delete objects: ", "allow s3:DeleteObject on arn:aws:s3:::live/*"}},
		{"clock skew", "PUT", 403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
			"<RequestTime>20260101T000000Z</RequestTime><ServerTime>2026-01-01T01:00:00Z</ServerTime>", "", nil,
			[]string{"FAIL  write", "this host's clock and the store's differ by", "NTP"}},
		{"bucket elsewhere", "PUT", 301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
			"<Endpoint>live.s3.eu-west-3.amazonaws.com</Endpoint><Bucket>live</Bucket>", "eu-west-3", []string{"S3 region = eu-central-1"},
			[]string{"FAIL  write", "bucket live is in the region eu-west-3, not eu-central-1", "set region = eu-west-3"}},
		{"signed for another region", "PUT", 400, "AuthorizationHeaderMalformed",
			"The authorization header is malformed; the region 'eu-central-1' is wrong; expecting 'us-west-2'",
			"<Region>us-west-2</Region>", "", []string{"S3 region = eu-central-1"},
			[]string{"FAIL  write", "bucket live is in the region us-west-2, not eu-central-1", "set region = us-west-2"}},
		{"ACLs disabled", "PUT", 400, "AccessControlListNotSupported", "The bucket does not allow ACLs", "", "", []string{"S3 acl = public-read"},
			[]string{"FAIL  write", "bucket live has ACLs disabled", "remove acl"}},
		{"expired credentials", "PUT", 400, "ExpiredToken", "The provided token has expired.", "", "", nil,
			[]string{"FAIL  write", "temporary credentials have expired"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex // of what follows: parts come together
			var object []byte
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if r.Method == c.method {
					if c.header != "" {
						w.Header().Set("X-Amz-Bucket-Region", c.header)
					}
					w.Header().Set("Content-Type", "application/xml")
					w.WriteHeader(c.status)
					fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
						"<Error><Code>%s</Code><Message>%s</Message>%s<RequestId>4442587FB7D0A2F9</RequestId></Error>", c.code, c.message, c.extra)
					return
				}
				etag := func() { w.Header().Set("ETag", fmt.Sprintf(`"%x"`, md5.Sum(object))) }
				switch q := r.URL.Query(); {
				case r.Method == http.MethodPut:
					var err error
					if object, err = io.ReadAll(r.Body); err != nil {
						t.Error(err)
					}
					etag()
				case q.Has("list-type"):
					fmt.Fprintf(w, "<ListBucketResult><Contents><Key>%s</Key></Contents></ListBucketResult>", q.Get("prefix"))
				case r.Method == http.MethodPost && q.Has("delete"):
					fmt.Fprint(w, "<DeleteResult/>")
				case r.Method == http.MethodPost && q.Has("uploads"):
					fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
				case r.Method == http.MethodPost:
					fmt.Fprint(w, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
				default:
					etag()
					w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
					w.Header().Set("Content-Length", fmt.Sprint(len(object)))
					w.Write(object)
				}
			}))
			defer server.Close()
			code, out, errs := e2e.RunCommandLine(t, "check", "--config", writeConfig(t, t.TempDir(), server.URL, nil, c.more...))
			if code != exitFailed {
				t.Errorf("exit code %d, want %d", code, exitFailed)
			}
			e2e.Says(t, out+errs, append(c.says, c.code, c.message)...)
		})
	}
}

func TestTheDaemonLinksNoStoreOfTheDemo(t *testing.T) {
	deps, err := exec.Command("go", "list", "-deps", "ems-sidecar/cmd/ems-sidecar").Output()
	e2e.Must(t, err)
	list := strings.Fields(string(deps))
	if !slices.Contains(list, "ems-sidecar/uploader") {
		t.Fatalf("this is no list of packages: %q", list)
	}
	for _, p := range list {
		if strings.Contains(p, "gofakes3") || strings.Contains(p, "rclone") || strings.HasPrefix(p, "ems-sidecar/internal/s3test") || p == "testing" {
			t.Errorf("the daemon links %s", p)
		}
	}
}

// systemdSocket receives what systemd is told.
func systemdSocket(t *testing.T) (path string, told func() []string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify-") // a socket's path has 107 bytes at most
	e2e.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	e2e.Must(t, err)
	t.Cleanup(func() { conn.Close() })
	messages := make(chan string, 16)
	go func() {
		for b := make([]byte, 4096); ; {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			messages <- string(b[:n])
		}
	}()
	var all []string
	return path, func() []string {
		for {
			select {
			case m := <-messages:
				all = append(all, m)
			default:
				return all
			}
		}
	}
}

func TestLifeOfTheDaemonAsSystemdSeesIt(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	proxy.Before = func(r *s3test.Request, _ http.ResponseWriter) bool {
		if strings.HasPrefix(r.Key, "g/") && strings.HasSuffix(r.Key, ".ts") {
			time.Sleep(300 * time.Millisecond)
		}
		return true
	}
	root := filepath.Join(t.TempDir(), "absent", "live")
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	address := e2e.FreeAddress(t)
	ini := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, proxy.Endpoint, address)), 0o600))
	socket, told := systemdSocket(t)
	cmd := exec.Command(path, "run", "--config", ini)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	s := e2e.Launch(t, cmd, address)

	s.WaitFor("healthy", func() bool { return s.Get("/healthz") == http.StatusOK })
	e2e.Eventually(t, "READY, even without the root", func() bool { return slices.Contains(told(), "READY=1") })
	response, err := http.Get("http://" + address + "/readyz")
	e2e.Must(t, err)
	reason := make([]byte, 1000)
	n, _ := response.Body.Read(reason)
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(reason[:n]), root+" does not exist yet") {
		t.Errorf("/readyz without the root: %d %q", response.StatusCode, reason[:n])
	}
	e2e.Must(t, os.MkdirAll(root, 0o755))
	e2e.Eventually(t, "/readyz with the root", func() bool { return s.Get("/readyz") == http.StatusOK })

	w := &emswriter.HLS{Dir: filepath.Join(root, "g", "s"), Target: time.Second}
	e2e.Must(t, w.Start())
	for i := range 3 {
		_, err := w.Write(emswriter.Packet("s", i))
		e2e.Must(t, err)
		e2e.Must(t, w.Next(time.Second))
	}
	last := filepath.Join(root, "g", "s", "playlist.m3u8")
	e2e.Eventually(t, "the last chunk on its way", func() bool {
		requests := 0
		for _, r := range proxy.Log() {
			if strings.HasSuffix(r.Key, ".ts") {
				requests++
			}
		}
		return requests == 3
	})
	if code := s.Stop(); code != exitFine {
		t.Errorf("exit code %d after SIGTERM, want %d", code, exitFine)
	}
	want, err := os.ReadFile(last)
	e2e.Must(t, err)
	if got, err := server.Object("g/s/playlist.m3u8"); string(got) != string(want) {
		t.Errorf("after the drain the bucket's playlist is %q (%v), want %q", got, err, want)
	}
	all := slices.DeleteFunc(told(), func(m string) bool { return strings.HasPrefix(m, "STATUS=") })
	if !slices.Equal(all, []string{"READY=1", "STOPPING=1"}) {
		t.Errorf("systemd was told %q", all)
	}
	if len(s.Lines("level=INFO", "everything that was closed is published")) != 1 || len(s.Lines("msg=stopped")) != 1 {
		t.Errorf("the end of the log:\n%s", s.Tail(5))
	}
}

func TestHealthzWhileDraining(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	proxy.Before = func(r *s3test.Request, _ http.ResponseWriter) bool {
		if strings.HasSuffix(r.Key, ".ts") {
			time.Sleep(1500 * time.Millisecond)
		}
		return true
	}
	root := t.TempDir()
	s := e2e.StartSidecar(t, root, proxy.Endpoint)
	e2e.Put(t, root, "g/s/1.ts", "one")
	e2e.Eventually(t, "the chunk on its way", func() bool { return len(proxy.Log()) > 0 })
	e2e.Must(t, s.Cmd.Process.Signal(os.Interrupt))
	s.WaitFor("draining", func() bool { return len(s.Lines("msg=stopping")) == 1 })
	if got := s.Get("/healthz"); got != http.StatusOK {
		t.Errorf("/healthz while the last chunk is uploaded: %d, want 200: it is alive", got)
	}
	<-s.Ended
}

// A live stream whose server is dead gets its end by hand, and goes on with its next chunk.
func TestEndEndsAStreamByHand(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	root := t.TempDir()
	s := e2e.NewSidecar(t, root, server.Endpoint, "Admin token = s3cret-of-admin", "S3 reconnect_window = 1m")
	ended := func(want bool) func() bool {
		return func() bool {
			playlist, err := server.Object("g/s/playlist.m3u8")
			return err == nil && strings.Contains(string(playlist), "#EXT-X-ENDLIST") == want
		}
	}
	e2e.Put(t, root, "g/s/1.ts", "chunk")
	e2e.Put(t, root, "g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:4,\n1.ts\n")
	s.WaitFor("the stream is live", ended(false))
	ini := e2e.ConfigFile(t, e2e.ConfigFor(root, server.Endpoint, s.Admin, "Admin token = s3cret-of-admin"))
	code, out, errs := e2e.RunCommandLine(t, "end", "--config", ini, "g/s")
	if code != 0 || !strings.Contains(out, "hls/g/s: its playlist gets its end") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	s.WaitFor("the stream has ended", ended(true))
	e2e.Put(t, root, "g/s/2.ts", "chunk")
	e2e.Put(t, root, "g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:4,\n1.ts\n#EXTINF:4,\n2.ts\n")
	s.WaitFor("the stream goes on", ended(false))
	ini = e2e.ConfigFile(t, e2e.ConfigFor(root, server.Endpoint, s.Admin))
	if code, _, errs := e2e.RunCommandLine(t, "end", "--config", ini, "g/s"); code != 1 || !strings.Contains(errs, "token_file") {
		t.Errorf("without a token: exit code %d\n%s", code, errs)
	}
}
