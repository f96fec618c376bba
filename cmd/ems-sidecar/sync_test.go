package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
)

// sync writes what is missing, nothing else, says so, and its exit code tells whether something is still missing.
func TestSyncUploadsWhatIsMissing(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	root := t.TempDir()
	h := &emswriter.HLS{Dir: filepath.Join(root, "g/s"), Appending: true}
	must(t, h.Start())
	for n := range 5 {
		h.Write(emswriter.Content(20_000, fmt.Sprint("chunk ", n)))
		must(t, h.Next(4*time.Second))
	}
	must(t, h.End(4*time.Second))
	must(t, emswriter.Master(filepath.Join(root, "g"), emswriter.Variant{Stream: "s", Bandwidth: 1000}))
	ini := filepath.Join(t.TempDir(), "config.ini")
	must(t, os.WriteFile(ini, []byte(configFor(root, proxy.Endpoint, "off")), 0o600))

	if code, stdout, stderr := runCommandLine(t, "sync", "--config", ini); code != 0 || !strings.Contains(stdout, "6 chunks and 2 manifests are in the bucket") {
		t.Fatalf("exit code %d, %q, %s", code, stdout, stderr)
	}
	for _, name := range filesBelow(t, root) {
		want, err := os.ReadFile(filepath.Join(root, name))
		must(t, err)
		if got, err := server.Object(name); err != nil || string(got) != string(want) {
			t.Errorf("%s is not in the bucket as on disk: %v", name, err)
		}
	}

	sent := len(puts(proxy))
	if code, stdout, stderr := runCommandLine(t, "sync", "--config", ini); code != 0 {
		t.Fatalf("exit code %d, %q, %s", code, stdout, stderr)
	}
	if again := puts(proxy)[sent:]; len(again) > 0 {
		t.Errorf("the second one sends again: %q", again)
	}

	must(t, os.WriteFile(ini, []byte(configFor(root, proxy.Endpoint, "off", "AmazonHLSUpload default_bucket = absent")), 0o600))
	if code, _, stderr := runCommandLine(t, "sync", "--config", ini); code != 1 ||
		!strings.Contains(stderr, "8 files are not in it") || strings.Contains(stderr, "everything that was closed is published") {
		t.Errorf("with an absent bucket: exit code %d, %s", code, stderr)
	}
	must(t, os.WriteFile(ini, []byte(configFor(filepath.Join(root, "absent"), proxy.Endpoint, "off")), 0o600))
	if code, _, stderr := runCommandLine(t, "sync", "--config", ini); code != 1 || !strings.Contains(stderr, "does not exist") {
		t.Errorf("with an absent directory: exit code %d, %s", code, stderr)
	}
}

// What the bucket has is not sent again, whatever the format, and however many chunks there are: few are asked for one by
// one, many by listings.
func TestSyncSendsNothingTwice(t *testing.T) {
	t.Parallel()
	for _, chunks := range []int{10, 100} {
		t.Run(fmt.Sprint(chunks, " chunks"), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 8, pace{chunk: 20 * time.Millisecond, frame: 10 * time.Millisecond, video: 4000, audio: 2000})
			var writing sync.WaitGroup
			for _, e := range s.encoders {
				writing.Go(func() {
					n := 0
					if err := e.play(1, func() bool { n++; return n == chunks }); err != nil {
						t.Errorf("%s: %v", e.directory(), err)
					}
				})
			}
			writing.Wait()
			files := filesBelow(t, s.root)
			for _, name := range files {
				old := time.Now().Add(-2 * mssPatience) // nothing is waited for any more
				must(t, os.Chtimes(filepath.Join(s.root, name), old, old))
			}
			ini := filepath.Join(t.TempDir(), "config.ini")
			must(t, os.WriteFile(ini, []byte(configFor(s.root, s.proxy.Endpoint, "off", s.sections()...)), 0o600))
			sent := 0
			for range 2 {
				before := len(puts(s.proxy))
				if code, stdout, stderr := runCommandLine(t, "sync", "--config", ini); code != 0 {
					t.Fatalf("exit code %d, %q, %s", code, stdout, stderr)
				}
				sent = len(puts(s.proxy)) - before
			}
			if sent > 0 {
				t.Errorf("the second sync sends %d of %d files again", sent, len(files))
			}
		})
	}
}

// puts returns the keys of all PUTs so far.
func puts(p *s3test.Proxy) (keys []string) {
	for _, q := range p.Log() {
		if q.Method == http.MethodPut {
			keys = append(keys, q.Key)
		}
	}
	return keys
}

// BenchmarkCompare is a sync of 25 streams with 2,000 chunks each, all of which the bucket has.
func BenchmarkCompare(b *testing.B) {
	const streams, chunks = 25, 2000
	server := s3test.Start(b)
	root := b.TempDir()
	for s := range streams {
		for _, dir := range []string{root, server.Dir} {
			dir = filepath.Join(dir, fmt.Sprintf("g/s%d", s))
			must(b, os.MkdirAll(dir, 0o755))
			for n := range chunks {
				must(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("segment_%d_%d.ts", 1795480155461+4000*n, n+1)), []byte("chunk"), 0o644))
			}
		}
	}
	path, err := buildBinary()
	must(b, err)
	ini := filepath.Join(b.TempDir(), "config.ini")
	must(b, os.WriteFile(ini, []byte(configFor(root, server.Endpoint, "off", "Log level = info")), 0o600))
	for b.Loop() {
		cmd := exec.Command(path, "sync", "--config", ini)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), fmt.Sprint(streams*chunks, " chunks")) {
			b.Fatalf("%v\n%s", err, out)
		}
		b.ReportMetric(float64((&sidecar{cmd: cmd}).peakMemory())/1e6, "peak-MB")
		b.ReportMetric(cmd.ProcessState.UserTime().Seconds()+cmd.ProcessState.SystemTime().Seconds(), "cpu-s")
	}
}

// Beside a running daemon, whose spool it would empty, sync does nothing, and says what to do instead.
func TestSyncRefusesToRunBesideTheDaemon(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	root := t.TempDir()
	s := startSidecar(t, root, server.Endpoint)
	s.waitFor("its spool", func() bool {
		_, err := os.Stat(filepath.Join(root, ".ems-sidecar/hls"))
		return err == nil
	})
	ini := filepath.Join(t.TempDir(), "config.ini")
	must(t, os.WriteFile(ini, []byte(configFor(root, server.Endpoint, "off")), 0o600))
	code, _, stderr := runCommandLine(t, "sync", "--config", ini)
	if code != 1 || !strings.Contains(stderr, "runs already uploads from "+root) || !strings.Contains(stderr, "restart it") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("the daemon's exit code is %d", code)
	}
	if c := s.complaints(); len(c) > 0 {
		t.Errorf("the daemon complains: %q", c)
	}
	if code, _, stderr := runCommandLine(t, "sync", "--config", ini); code != 0 {
		t.Errorf("without the daemon: exit code %d, %s", code, stderr)
	}
}
