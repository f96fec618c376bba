package outage

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// With a bucket that does not answer, SIGTERM ends the daemon after drain_timeout, with what is
// left said, and a second one at once. Neither costs anything: the next start goes on with what was
// left, also with what was deleted meanwhile.
func TestShutdownInAnOutage(t *testing.T) {
	t.Parallel()
	for name, twice := range map[string]bool{"one signal": false, "two signals": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := s3test.Start(t)
			proxy := s3test.NewProxy(t, server)
			root := t.TempDir()
			drain := "Upload drain_timeout = 1s"
			if twice {
				drain = "Upload drain_timeout = 1h"
			}
			side := e2e.StartSidecar(t, root, proxy.Endpoint, drain)
			proxy.Befall(s3test.Stall())
			for _, name := range []string{"g/s/1.ts", "g/s/2.ts", "g/t/1.ts"} {
				e2e.Put(t, root, name, "the content of "+name)
			}
			e2e.Put(t, root, "g/s/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n#EXTINF:4,\n2.ts\n")
			side.WaitFor("an attempt that is under way, and all in the spool", func() bool {
				kept, err := filepath.Glob(filepath.Join(root, ".ems-sidecar/hls/*/*/*.ts"))
				return err == nil && len(kept) == 3 && len(e2e.Puts(proxy)) > 0
			})

			e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGTERM))
			side.WaitFor("the word that it stops", func() bool { return len(side.Lines("msg=stopping")) > 0 })
			if twice {
				e2e.Must(t, side.Cmd.Process.Signal(syscall.SIGTERM))
			}
			<-side.Ended
			side.Cmd.Wait()
			status := side.Cmd.ProcessState.Sys().(syscall.WaitStatus)
			if twice && (!status.Signaled() || status.Signal() != syscall.SIGTERM) {
				t.Errorf("two signals end it with %v", side.Cmd.ProcessState)
			}
			if left := side.Lines("stopped before everything was published", "chunks=3", "manifests=1"); !twice && (status.ExitStatus() != 0 || len(left) != 1) {
				t.Errorf("one signal ends it with %v and %q", side.Cmd.ProcessState, side.Tail(3))
			}

			e2e.Must(t, syscall.Unlink(filepath.Join(root, "g/t/1.ts")))
			proxy.Mend()
			next := e2e.StartSidecar(t, root, proxy.Endpoint)
			e2e.Within(t, time.Minute, "all of it in the bucket", func() bool {
				for _, name := range []string{"g/s/1.ts", "g/s/2.ts", "g/t/1.ts"} {
					if got, err := server.Object(name); err != nil || string(got) != "the content of "+name {
						return false
					}
				}
				_, err := server.Object("g/s/playlist.m3u8")
				return err == nil
			})
			if code := next.Stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
