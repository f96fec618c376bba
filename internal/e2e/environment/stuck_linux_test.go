package environment

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// A stuckMount is a file system that answers nothing, as NFS does when its server is gone.
type stuckMount struct{ fuse *os.File }

// mountStuck mounts one over dir until it is released.
func mountStuck(t *testing.T, dir string) *stuckMount {
	t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no FUSE: ", err)
	}
	if err := syscall.Mount("stuck", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", f.Fd())); err != nil {
		f.Close()
		t.Skip("cannot mount: ", err)
	}
	m := &stuckMount{f}
	t.Cleanup(func() { m.release(); syscall.Unmount(dir, syscall.MNT_DETACH) })
	return m
}

// release fails all calls that hang.
func (m *stuckMount) release() { m.fuse.Close() }

// A root whose file system stops answering does not delay other roots. It is logged once, and the
// daemon still ends.
func TestStuckFileSystemStallsOnlyItsRoot(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	var away atomic.Bool
	var mu sync.Mutex
	refused := map[string]bool{} // by key
	proxy.Before = func(q *s3test.Request, w http.ResponseWriter) bool {
		if away.Load() && q.Method == http.MethodPut && strings.HasPrefix(q.Key, "stuck/") {
			mu.Lock()
			refused[q.Key] = true
			mu.Unlock()
			w.WriteHeader(http.StatusServiceUnavailable)
			return false
		}
		return true
	}
	stuck, well := filepath.Join(t.TempDir(), "media"), t.TempDir()
	e2e.Must(t, os.Mkdir(stuck, 0o755))
	side := e2e.StartSidecar(t, "", proxy.Endpoint, "AmazonHLSUpload watch_dir[] = '"+stuck+"'", "AmazonHLSUpload watch_dir[] = '"+well+"'",
		"Upload workers = 8", "Upload drain_timeout = 1s")
	away.Store(true)
	const streams = 20
	for n := range streams {
		e2e.Put(t, stuck, fmt.Sprintf("stuck/s%d/1.ts", n), "x")
	}
	side.WaitFor("attempts of more than eight streams", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(refused) > 8
	})
	mountStuck(t, stuck)
	away.Store(false)

	began := time.Now()
	for n := range streams {
		e2e.Put(t, well, fmt.Sprintf("well/s%d/1.ts", n), "x")
		e2e.Put(t, well, fmt.Sprintf("well/s%d/playlist.m3u8", n), "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n")
	}
	side.WaitFor("the other root's playlists in the bucket", func() bool {
		for n := range streams {
			if _, err := server.Object(fmt.Sprintf("well/s%d/playlist.m3u8", n)); err != nil {
				return false
			}
		}
		return true
	})
	t.Logf("the other root is published after %v", time.Since(began).Round(100*time.Millisecond))
	side.WaitFor("a log line", func() bool { return len(side.Lines("file system does not answer", stuck)) > 0 })
	if n := len(side.Lines("file system does not answer", stuck)); n != 1 {
		t.Errorf("%d log lines, want 1", n)
	}
	line := "the file system of " + stuck + " has not answered since "
	side.WaitFor("its watcher waits, too", func() bool { return len(side.Lines("watched directory does not answer", stuck)) > 0 })
	if code, body := side.Ask("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, line) || strings.Contains(body, well) {
		t.Errorf("/readyz is %d %q", code, body)
	}
	if code, body := side.Ask("/healthz"); code != http.StatusOK || !strings.HasPrefix(body, "ok\n"+line) {
		t.Errorf("/healthz is %d %q: a restart would hurt the other root", code, body)
	}
	e2e.Put(t, well, "well/late/1.ts", "x")
	began = time.Now()
	side.WaitFor("a chunk that comes later", func() bool { _, err := server.Object("well/late/1.ts"); return err == nil })
	t.Logf("a later chunk takes %v", time.Since(began).Round(10*time.Millisecond))
	if code := side.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A daemon whose file systems all hang is unhealthy, so that it is started again.
func TestDaemonWithoutAnyFileSystemThatAnswersIsNotHealthy(t *testing.T) {
	t.Parallel()
	stuck := filepath.Join(t.TempDir(), "media")
	e2e.Must(t, os.Mkdir(stuck, 0o755))
	side := e2e.StartSidecar(t, stuck, s3test.Start(t).Endpoint, "Upload drain_timeout = 1s")
	mount := mountStuck(t, stuck)
	line := "the file system of " + stuck + " has not answered since "
	for _, path := range []string{"/healthz", "/readyz"} {
		side.WaitFor("it says so at "+path, func() bool {
			code, body := side.Ask(path)
			return code == http.StatusServiceUnavailable && strings.Contains(body, line)
		})
	}
	mount.release()
	e2e.Must(t, syscall.Unmount(stuck, syscall.MNT_DETACH))
	for _, path := range []string{"/healthz", "/readyz"} {
		side.WaitFor("it is well again at "+path, func() bool { code, body := side.Ask(path); return code == http.StatusOK && body == "ok\n" })
	}
	if code := side.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A daemon that starts when the file system of one root does not answer publishes the others, and
// counts as started.
func TestStuckFileSystemDoesNotHoldUpTheStart(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	stuck, well := filepath.Join(t.TempDir(), "media"), t.TempDir()
	e2e.Must(t, os.Mkdir(stuck, 0o755))
	mount := mountStuck(t, stuck)
	e2e.Put(t, well, "g/s/1.ts", "x")
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	admin := e2e.FreeAddress(t)
	ini := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor("", server.Endpoint, admin, "AmazonHLSUpload watch_dir[] = '"+stuck+"'",
		"AmazonHLSUpload watch_dir[] = '"+well+"'", "Upload drain_timeout = 1s")), 0o600))
	side := e2e.Launch(t, exec.Command(path, "run", "--config", ini), admin)
	side.WaitFor("the other root's chunk", func() bool { _, err := server.Object("g/s/1.ts"); return err == nil })
	side.WaitFor("the word that it is ready", func() bool { return len(side.Lines("msg=ready")) > 0 })
	if got := side.Get("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz is %d while a root is not watched", got)
	}
	mount.release()
	if code := side.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
