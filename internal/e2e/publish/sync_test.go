package publish

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
)

// sync writes what is missing, nothing else, says so, and its exit code tells whether something is
// still missing.
func TestSyncUploadsWhatIsMissing(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	root := t.TempDir()
	h := &emswriter.HLS{Dir: filepath.Join(root, "g/s"), Appending: true}
	e2e.Must(t, h.Start())
	for n := range 5 {
		h.Write(emswriter.Content(20_000, fmt.Sprint("chunk ", n)))
		e2e.Must(t, h.Next(4*time.Second))
	}
	e2e.Must(t, h.End(4*time.Second))
	e2e.Must(t, emswriter.Master(filepath.Join(root, "g"), emswriter.Variant{Stream: "s", Bandwidth: 1000}))
	ini := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, proxy.Endpoint, "off")), 0o600))

	if code, stdout, stderr := e2e.RunCommandLine(t, "sync", "--config", ini); code != 0 || !strings.Contains(stdout, "6 chunks and 2 manifests are in the bucket") {
		t.Fatalf("exit code %d, %q, %s", code, stdout, stderr)
	}
	for _, name := range e2e.FilesBelow(t, root) {
		want, err := os.ReadFile(filepath.Join(root, name))
		e2e.Must(t, err)
		if got, err := server.Object(name); err != nil || string(got) != string(want) {
			t.Errorf("%s is not in the bucket as on disk: %v", name, err)
		}
	}

	sent := len(e2e.Puts(proxy))
	if code, stdout, stderr := e2e.RunCommandLine(t, "sync", "--config", ini); code != 0 {
		t.Fatalf("exit code %d, %q, %s", code, stdout, stderr)
	}
	if again := e2e.Puts(proxy)[sent:]; len(again) > 0 {
		t.Errorf("the second one sends again: %q", again)
	}

	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, proxy.Endpoint, "off", "AmazonHLSUpload default_bucket = absent")), 0o600))
	if code, _, stderr := e2e.RunCommandLine(t, "sync", "--config", ini); code != 1 ||
		!strings.Contains(stderr, "8 files are not in it") || strings.Contains(stderr, "everything that was closed is published") {
		t.Errorf("with an absent bucket: exit code %d, %s", code, stderr)
	}
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(filepath.Join(root, "absent"), proxy.Endpoint, "off")), 0o600))
	if code, _, stderr := e2e.RunCommandLine(t, "sync", "--config", ini); code != 1 || !strings.Contains(stderr, "does not exist") {
		t.Errorf("with an absent directory: exit code %d, %s", code, stderr)
	}
}

// What the bucket has is not sent again, whatever the format, and however many chunks there are:
// few are asked for one by one, many by listings.
func TestSyncSendsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, chunks := range []int{10, 100} {
		t.Run(fmt.Sprint(chunks, " chunks"), func(t *testing.T) {
			t.Parallel()
			s := e2e.NewSite(t, 8, e2e.Pace{Chunk: 20 * time.Millisecond, Frame: 10 * time.Millisecond, Video: 4000, Audio: 2000})
			var writing sync.WaitGroup
			for _, e := range s.Encoders {
				writing.Go(func() {
					n := 0
					if err := e.Play(1, func() bool { n++; return n == chunks }); err != nil {
						t.Errorf("%s: %v", e.Directory(), err)
					}
				})
			}
			writing.Wait()
			files := e2e.FilesBelow(t, s.Root)
			for _, name := range files {
				old := time.Now().Add(-2 * e2e.MssPatience) // nothing is waited for any more
				e2e.Must(t, os.Chtimes(filepath.Join(s.Root, name), old, old))
			}
			ini := filepath.Join(t.TempDir(), "config.ini")
			e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(s.Root, s.Proxy.Endpoint, "off", s.Sections()...)), 0o600))
			sent := 0
			for range 2 {
				before := len(e2e.Puts(s.Proxy))
				if code, stdout, stderr := e2e.RunCommandLine(t, "sync", "--config", ini); code != 0 {
					t.Fatalf("exit code %d, %q, %s", code, stdout, stderr)
				}
				sent = len(e2e.Puts(s.Proxy)) - before
			}
			if sent > 0 {
				t.Errorf("the second sync sends %d of %d files again", sent, len(files))
			}
		})
	}
}

// BenchmarkCompare is a sync of 25 streams with 2,000 chunks each, all of which the bucket has.
func BenchmarkCompare(b *testing.B) {
	const streams, chunks = 25, 2000
	server := s3test.Start(b)
	root := b.TempDir()
	for s := range streams {
		for _, dir := range []string{root, server.Dir} {
			dir = filepath.Join(dir, fmt.Sprintf("g/s%d", s))
			e2e.Must(b, os.MkdirAll(dir, 0o755))
			for n := range chunks {
				e2e.Must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("segment_%d_%d.ts", 1795480155461+4000*n, n+1)), []byte("chunk"), 0o644))
			}
		}
	}
	path, err := e2e.BuildBinary()
	e2e.Must(b, err)
	ini := filepath.Join(b.TempDir(), "config.ini")
	e2e.Must(b, os.WriteFile(ini, []byte(e2e.ConfigFor(root, server.Endpoint, "off", "Log level = info")), 0o600))
	for b.Loop() {
		cmd := exec.Command(path, "sync", "--config", ini)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), fmt.Sprint(streams*chunks, " chunks")) {
			b.Fatalf("%v\n%s", err, out)
		}
		b.ReportMetric(float64((&e2e.Sidecar{Cmd: cmd}).PeakMemory())/1e6, "peak-MB")
		b.ReportMetric(cmd.ProcessState.UserTime().Seconds()+cmd.ProcessState.SystemTime().Seconds(), "cpu-s")
	}
}

// Beside a running daemon, whose spool it would empty, sync does nothing, and says what to do
// instead.
func TestSyncRefusesToRunBesideTheDaemon(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	root := t.TempDir()
	s := e2e.StartSidecar(t, root, server.Endpoint)
	s.WaitFor("its spool", func() bool {
		_, err := os.Stat(filepath.Join(root, ".ems-sidecar/hls"))
		return err == nil
	})
	ini := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, server.Endpoint, "off")), 0o600))
	code, _, stderr := e2e.RunCommandLine(t, "sync", "--config", ini)
	if code != 1 || !strings.Contains(stderr, "runs already uploads from "+root) || !strings.Contains(stderr, "restart it") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if code := s.Stop(); code != 0 {
		t.Errorf("the daemon's exit code is %d", code)
	}
	if c := s.Complaints(); len(c) > 0 {
		t.Errorf("the daemon complains: %q", c)
	}
	if code, _, stderr := e2e.RunCommandLine(t, "sync", "--config", ini); code != 0 {
		t.Errorf("without the daemon: exit code %d, %s", code, stderr)
	}
}
