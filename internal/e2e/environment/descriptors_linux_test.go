package environment

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// With 1,024 descriptors, the default of a process, and a spool where no link is possible, an outage
// leaves the daemon enough descriptors to go on. It holds no more files open than there is room for,
// gives up the oldest, and logs that.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	elsewhere, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		t.Skip("no second file system: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(elsewhere) })
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	var away atomic.Bool
	proxy.Before = func(q *s3test.Request, w http.ResponseWriter) bool {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return !away.Load()
	}
	root := t.TempDir()
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	admin := e2e.FreeAddress(t)
	ini := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, proxy.Endpoint, admin, "Upload spool_dir = "+elsewhere, "Log level = info")), 0o600))
	side := e2e.Launch(t, exec.Command("sh", "-c", `ulimit -n 1024; exec "$0" run --config "$1"`, path, ini), admin)
	side.WaitFor("ready", func() bool { return side.Get("/readyz") == http.StatusOK })
	away.Store(true)
	const streams, each, most = 20, 40, 512
	name := func(n int) string { return fmt.Sprintf("g/s%d/%d.ts", n%streams, n/streams) }
	for n := range streams * each {
		e2e.Put(t, root, name(n), "chunk")
		if n == most-1 || n == streams*each-1 {
			side.WaitFor("a descriptor for each, as far as there are", func() bool { return openFiles(t, side) > min(n, most) })
		}
	}
	side.WaitFor("a line that says that there are no more", func() bool { return len(side.Lines("too many files wait", "LimitNOFILE=")) == 1 })
	for n := range streams * each { // EMS deletes all
		e2e.Must(t, os.Remove(filepath.Join(root, name(n))))
	}
	away.Store(false)
	inBucket := func() (found int) {
		for n := range streams * each {
			if _, err := server.Object(name(n)); err == nil {
				found++
			}
		}
		return found
	}
	side.WaitFor("all that was held in the bucket", func() bool { return inBucket() >= most })
	if n := len(side.Lines("cannot be linked", "spool_dir must be on the file system")); n != 1 {
		t.Errorf("%d log lines tell why there are no links", n)
	}
	if n := len(side.Lines("too many open files")); n > 0 {
		t.Errorf("descriptors ran out: %q", side.Lines("too many open files"))
	}
	side.WaitFor("all descriptors given back", func() bool { return openFiles(t, side) < 100 })
	if code := side.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func openFiles(t *testing.T, s *e2e.Sidecar) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Cmd.Process.Pid))
	e2e.Must(t, err)
	return len(list)
}
