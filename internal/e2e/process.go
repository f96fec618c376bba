// Package e2e is what tests of the whole program share: the built binary as a process, encoders
// that write as EMS does, an archive of what they wrote, and a referee at the door of a real S3
// server. The tests are in the packages below this one, each of which has the Go tool's time limit
// for itself.
package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/patience"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/internal/testproc"
)

// Patient is the clock of all limits: by it, a machine that is busy with other work breaks none.
// Main starts and stops it.
var Patient *patience.Clock

// Parallel is how many tests of a package run at the same time. Its TestMain may change it.
var Parallel = 6

// Main is the TestMain of packages that use this one.
func Main(m *testing.M) {
	testproc.EncloseInMemory()
	testproc.ForgetAWS()
	testproc.Parallel(Parallel)
	var err error
	if binaryDir, err = os.MkdirTemp("", "ems-sidecar-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	Patient = patience.Start()
	code := m.Run()
	Patient.Stop()
	os.RemoveAll(binaryDir)
	os.Exit(code)
}

// A Sidecar is a running process of the built binary.
type Sidecar struct {
	T     testing.TB
	Cmd   *exec.Cmd
	Admin string // host:port
	Began time.Time
	Ended chan struct{}

	mu  sync.Mutex
	log []string
}

// ConfigFor returns a config that publishes root, which has HLS, to the server behind endpoint.
// Each of more is a line of the section that it names: "Upload workers = 4". The ends of streams are
// published at once, unless more says how long they wait.
func ConfigFor(root, endpoint, admin string, more ...string) string {
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
	if !strings.Contains(strings.Join(more, "\n"), "reconnect_window") {
		sections["S3"] = append(sections["S3"], "reconnect_window = 0")
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

// StartSidecar runs the built binary on root and waits until it is ready.
func StartSidecar(t testing.TB, root, endpoint string, more ...string) *Sidecar {
	t.Helper()
	s := NewSidecar(t, root, endpoint, more...)
	s.WaitForReady()
	return s
}

// NewSidecar runs the built binary on root.
func NewSidecar(t testing.TB, root, endpoint string, more ...string) *Sidecar {
	t.Helper()
	cmd, admin := SidecarCommand(t, root, endpoint, nil, more...)
	return Launch(t, cmd, admin)
}

// SidecarCommand returns the command for that, with the texts of its config replaced as
// strings.NewReplacer does, and the address of the admin listener.
func SidecarCommand(t testing.TB, root, endpoint string, replace []string, more ...string) (cmd *exec.Cmd,
	admin string) {
	t.Helper()
	path, err := BuildBinary()
	Must(t, err)
	admin = FreeAddress(t)
	ini := filepath.Join(t.TempDir(), "config.ini")
	Must(t, os.WriteFile(ini, []byte(strings.NewReplacer(replace...).Replace(ConfigFor(root, endpoint, admin, more...))),
		0o600))
	return exec.Command(path, "run", "--config", ini), admin
}

// WaitForReady waits until it has scanned its directories.
func (s *Sidecar) WaitForReady() {
	s.T.Helper()
	s.WaitFor("ready", func() bool { return s.Get("/readyz") == http.StatusOK })
}

// Launch starts cmd, which is the built binary, and collects its log.
func Launch(t testing.TB, cmd *exec.Cmd, admin string) *Sidecar {
	t.Helper()
	s := &Sidecar{T: t, Cmd: cmd, Admin: admin, Began: time.Now(), Ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	Must(t, err)
	Must(t, testproc.Bind(cmd).Start())
	go func() {
		defer close(s.Ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			s.mu.Lock()
			s.log = append(s.log, lines.Text())
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			<-s.Ended
			cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the last of its log:\n%s", s.Tail(40))
		}
	})
	return s
}

// adminClient asks admin listeners, which answer at once.
var adminClient = http.Client{Timeout: 20 * time.Second}

// Get returns the status of a GET at the admin listener, or 0.
func (s *Sidecar) Get(path string) int {
	code, _ := s.Ask(path)
	return code
}

// Ask is Get with what the daemon says.
func (s *Sidecar) Ask(path string) (code int, body string) {
	r, err := adminClient.Get("http://" + s.Admin + path)
	if err != nil {
		return 0, ""
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

// WaitFor waits until what is named comes true, and ends the test if it does not within 30 s.
func (s *Sidecar) WaitFor(what string, done func() bool) {
	s.T.Helper()
	if !Eventually(s.T, what, done) {
		s.T.FailNow()
	}
}

// Kill ends it as the kernel does when memory is out.
func (s *Sidecar) Kill() {
	s.T.Helper()
	Must(s.T, s.Cmd.Process.Kill())
	<-s.Ended
	s.Cmd.Wait()
}

// endLimit is how long a daemon may take to end.
const endLimit = 90 * time.Second

// Stop sends SIGTERM and returns the exit code. A daemon that does not end is killed, and the test
// fails, with its goroutines.
func (s *Sidecar) Stop() int {
	s.T.Helper()
	if err := s.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.T.Fatal(err)
	}
	if !Within(s.T, endLimit, "the end after SIGTERM", s.hasEnded) {
		_ = s.Cmd.Process.Signal(syscall.SIGQUIT) // has it print them
		Within(s.T, 10*time.Second, "the end after SIGQUIT", s.hasEnded)
		_ = s.Cmd.Process.Kill()
		s.T.Logf("its log:\n%s", s.Tail(2000))
	}
	<-s.Ended
	s.Cmd.Wait()
	return s.Cmd.ProcessState.ExitCode()
}

func (s *Sidecar) hasEnded() bool {
	select {
	case <-s.Ended:
		return true
	default:
		return false
	}
}

// Lines returns the log lines that contain each of the texts.
func (s *Sidecar) Lines(texts ...string) []string {
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

// Complaints returns the warnings and errors of the log, except those about the health of streams: the
// tests' encoders pause between two runs and stop without an end, and their stores are slow on purpose.
func (s *Sidecar) Complaints() []string {
	ofHealth := func(line string) bool {
		return slices.ContainsFunc([]string{"stream stalled", "stream resumed", "stream ended", "stream lags",
			"stream is current again"},
			func(message string) bool { return strings.Contains(line, `msg="`+message+`"`) })
	}
	return slices.DeleteFunc(append(s.Lines("level=WARN"), s.Lines("level=ERROR")...), ofHealth)
}

// Starved reports whether a line of the log tells of a request that had no answer in time, on a
// machine that was too busy to give one: what follows from that is no fault of the daemon.
func Starved(line string) bool {
	return Patient.Busy() && (strings.Contains(line, "no answer within") || strings.Contains(line, "timeout"))
}

// Tail returns the last n lines of the log.
func (s *Sidecar) Tail(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log[max(0, len(s.log)-n):], "\n")
}

// RunCommandLine runs the built binary to its end.
func RunCommandLine(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	path, err := BuildBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := testproc.Bind(exec.Command(path, args...))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Run() // the code tells
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// Eventually waits until what is named comes true, and fails the test if it does not within 30 s.
func Eventually(t testing.TB, what string, done func() bool) bool {
	t.Helper()
	return Within(t, 30*time.Second, what, done)
}

// Within waits until what is named comes true, and fails the test if it does not in time.
func Within(t testing.TB, limit time.Duration, what string, done func() bool) bool {
	t.Helper()
	return Patient.Within(t, limit, what, done)
}

// FreeAddress returns an address on which no one listens.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, err := s3test.FreeAddress()
	Must(t, err)
	return address
}
