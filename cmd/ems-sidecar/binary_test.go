package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/patience"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/internal/testproc"
)

// binaryDir is where buildBinary builds the command; TestMain makes and removes it.
var binaryDir string

// buildBinary returns the path of the built command. The tests that start processes share it.
var buildBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "ems-sidecar")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// patient is the clock of all limits: by it, a machine that is busy with other work breaks none.
// TestMain starts and stops it.
var patient *patience.Clock

func TestMain(m *testing.M) {
	testproc.Enclose()
	var err error
	if binaryDir, err = os.MkdirTemp("", "ems-sidecar-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	patient = patience.Start()
	code := m.Run()
	patient.Stop()
	os.RemoveAll(binaryDir)
	os.Exit(code)
}

// A sidecar is a running process of the built binary.
type sidecar struct {
	t     testing.TB
	cmd   *exec.Cmd
	admin string // host:port
	began time.Time
	ended chan struct{}

	mu  sync.Mutex
	log []string
}

// configFor returns a config that publishes root, which has HLS, to the server behind endpoint. Each of more is a
// line of the section that it names: "Upload workers = 4".
func configFor(root, endpoint, admin string, more ...string) string {
	sections := map[string][]string{
		"S3": {
			"aws_access_key = '" + s3test.AccessKey + "'", "aws_secret_key = '" + s3test.SecretKey + "'",
			"endpoint = '" + endpoint + "'", "default_bucket = 'live'",
		},
		"Admin": {"listen = " + admin},
	}
	if root != "" {
		sections["AmazonHLSUpload"] = []string{"watch_dir = '" + root + "'"}
	}
	for _, m := range more {
		section, line, _ := strings.Cut(m, " ")
		sections[section] = append(sections[section], line)
	}
	if sections["Log"] == nil {
		sections["Log"] = []string{"level = debug"}
	}
	var b strings.Builder
	for section, lines := range sections {
		fmt.Fprintf(&b, "[%s]\n%s\n", section, strings.Join(lines, "\n"))
	}
	return b.String()
}

// startSidecar runs the built binary on root and waits until it is ready.
func startSidecar(t testing.TB, root, endpoint string, more ...string) *sidecar {
	t.Helper()
	s := newSidecar(t, root, endpoint, more...)
	s.waitForReady()
	return s
}

// newSidecar runs the built binary on root.
func newSidecar(t testing.TB, root, endpoint string, more ...string) *sidecar {
	t.Helper()
	cmd, admin := sidecarCommand(t, root, endpoint, nil, more...)
	return launch(t, cmd, admin)
}

// sidecarCommand returns the command for that, with the texts of its config replaced as strings.NewReplacer does, and
// the address of the admin listener.
func sidecarCommand(t testing.TB, root, endpoint string, replace []string, more ...string) (cmd *exec.Cmd, admin string) {
	t.Helper()
	path, err := buildBinary()
	must(t, err)
	admin = freeAddress(t)
	ini := filepath.Join(t.TempDir(), "config.ini")
	must(t, os.WriteFile(ini, []byte(strings.NewReplacer(replace...).Replace(configFor(root, endpoint, admin, more...))), 0o600))
	return exec.Command(path, "run", "--config", ini), admin
}

// waitForReady waits until it has scanned its directories.
func (s *sidecar) waitForReady() {
	s.t.Helper()
	s.waitFor("ready", func() bool { return s.get("/readyz") == http.StatusOK })
}

// launch starts cmd, which is the built binary, and collects its log.
func launch(t testing.TB, cmd *exec.Cmd, admin string) *sidecar {
	t.Helper()
	s := &sidecar{t: t, cmd: cmd, admin: admin, began: time.Now(), ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, testproc.Bind(cmd).Start())
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			s.mu.Lock()
			s.log = append(s.log, lines.Text())
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			<-s.ended
			cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the last of its log:\n%s", s.tail(40))
		}
	})
	return s
}

// get returns the status of a GET at the admin listener, or 0.
func (s *sidecar) get(path string) int {
	r, err := http.Get("http://" + s.admin + path)
	if err != nil {
		return 0
	}
	r.Body.Close()
	return r.StatusCode
}

// ask is get with what the daemon says.
func (s *sidecar) ask(path string) (code int, body string) {
	r, err := http.Get("http://" + s.admin + path)
	if err != nil {
		return 0, ""
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

// waitFor waits until what is named comes true, and ends the test if it does not within 30 s.
func (s *sidecar) waitFor(what string, done func() bool) {
	s.t.Helper()
	if !eventually(s.t, what, done) {
		s.t.FailNow()
	}
}

// kill ends it as the kernel does when memory is out.
func (s *sidecar) kill() {
	s.t.Helper()
	must(s.t, s.cmd.Process.Kill())
	<-s.ended
	s.cmd.Wait()
}

// stop sends SIGTERM and returns the exit code.
func (s *sidecar) stop() int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	<-s.ended
	s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

// lines returns the log lines that contain each of the texts.
func (s *sidecar) lines(texts ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
next:
	for _, l := range s.log {
		for _, text := range texts {
			if !strings.Contains(l, text) {
				continue next
			}
		}
		found = append(found, l)
	}
	return found
}

// complaints returns the warnings and errors of the log.
func (s *sidecar) complaints() []string {
	return append(s.lines("level=WARN"), s.lines("level=ERROR")...)
}

func (s *sidecar) tail(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log[max(0, len(s.log)-n):], "\n")
}

// runCommandLine runs the built binary to its end.
func runCommandLine(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := testproc.Bind(exec.Command(path, args...))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run() // the code tells
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// eventually waits until what is named comes true, and fails the test if it does not within 30 s.
func eventually(t testing.TB, what string, done func() bool) bool {
	t.Helper()
	return within(t, 30*time.Second, what, done)
}

// within waits until what is named comes true, and fails the test if it does not in time.
func within(t testing.TB, limit time.Duration, what string, done func() bool) bool {
	t.Helper()
	return patient.Within(t, limit, what, done)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes dir/name, which may have directories in it.
func put(t *testing.T, dir, name, content string) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(t, os.WriteFile(p, []byte(content), 0o644))
}
