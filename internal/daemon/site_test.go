package daemon

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
	"go.uber.org/goleak"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/internal/testproc"
	"ems-sidecar/media"
)

func TestMain(m *testing.M) {
	testproc.ForgetAWS()
	testproc.Parallel(8)
	goleak.VerifyTestMain(m)
}

// A site is a daemon and a bucket. What EMS says is the test's to tell.
type site struct {
	t      *testing.T
	bucket gofakes3.Backend
	daemon *Daemon
	log    *syncBuffer
	text   string        // of the config
	ready  chan struct{} // closed when the daemon has started
	end    func()        // ends the daemon, and waits for it
}

// A syncBuffer may be written and read at once.
type syncBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newSite returns a site whose daemon does not run yet. The sections stand behind [S3] and [Admin];
// the API is no one's.
func newSite(t *testing.T, sections string) *site {
	t.Helper()
	s := &site{t: t, bucket: s3mem.New(), log: &syncBuffer{}, ready: make(chan struct{})}
	if err := s.bucket.CreateBucket(t.Context(), "live"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(s.bucket).Server())
	t.Cleanup(server.Close)
	s.new(server.URL, sections)
	return s
}

func (s *site) new(endpoint, sections string) {
	s.t.Helper()
	text := fmt.Sprintf("[S3]\naws_access_key = k\naws_secret_key = s\nregion = us-east-1\nendpoint = %s\ndefault_bucket = live\nreconnect_window = 0\n"+
		"[Admin]\nlisten = off\n%s\n", endpoint, sections)
	text += "[Hooks]\nlisten = " + freeAddress(s.t) + "\n[EMS]\napi_url = http://" + freeAddress(s.t) + "\n"
	s.text = text
	cfg, err := config.Parse("config.ini", []byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	s.daemon, err = New(s.t.Context(), cfg, "", slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		s.t.Fatal(err)
	}
}

// run runs the daemon until the end of the test.
func (s *site) run() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.daemon.Run(ctx, func() { close(s.ready) }) }()
	s.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	s.t.Cleanup(func() {
		s.end()
		if s.t.Failed() {
			s.t.Logf("the log:\n%s", s.log)
		}
	})
	select {
	case <-s.ready:
	case <-time.After(waitTime):
		s.t.Fatal("the daemon does not start")
	}
}

const waitTime = 20 * time.Second

// waitFor polls, because a bucket tells no one what is put into it.
func (s *site) waitFor(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(waitTime); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited in vain: %s; the bucket has %q", what, s.keys())
		}
	}
}

// waitForKeys waits until all these objects are there.
func (s *site) waitForKeys(keys ...string) {
	s.t.Helper()
	s.waitFor(strings.Join(keys, ", "), func() bool {
		have := s.keys()
		return !slices.ContainsFunc(keys, func(k string) bool { return !slices.Contains(have, k) })
	})
}

func (s *site) keys() (keys []string) {
	list, err := s.bucket.ListBucket(s.t.Context(), "live", nil, gofakes3.ListBucketPage{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range list.Contents {
		keys = append(keys, o.Key)
	}
	return keys
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := s3test.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// playHLS writes a whole stream of three chunks.
func playHLS(t *testing.T, dir string) {
	t.Helper()
	h := &emswriter.HLS{Dir: dir}
	err := h.Start()
	for range 3 {
		h.Write(emswriter.Content(5_000, dir))
		if err == nil {
			err = h.Next(4 * time.Second)
		}
	}
	if err == nil {
		err = h.End(4 * time.Second)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// playHDS writes a whole stream of three fragments.
func playHDS(t *testing.T, dir string) {
	t.Helper()
	h := &emswriter.HDS{Dir: dir}
	err := h.Start()
	if err == nil {
		err = h.First(emswriter.Content(5_000, "0"))
	}
	for n := range 2 {
		if err == nil {
			err = h.Next(4*time.Second, emswriter.Content(5_000, fmt.Sprint(n)))
		}
	}
	if err == nil {
		err = h.End(4 * time.Second)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// output is an order to write to <root>/<group>/.
// live returns a config with orders for output in one format.
func live(f media.Format, outputs ...emsapi.Output) emsapi.Config {
	return emsapi.Config{Outputs: map[media.Format][]emsapi.Output{f: outputs}}
}

func output(root, group string) emsapi.Output {
	return emsapi.Output{GroupName: group, GroupTargetFolder: root + "/" + group + "/", TargetFolder: root + "/" + group + "/s"}
}
