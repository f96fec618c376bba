package environment

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/s3test"
)

// R6: chunks that wait in an outage while their disk is unmounted and mounted again arrive after
// it, and nothing is taken for lost, although the outage ends while there is nothing to read.
func TestUnmountedDirectoryLosesNothing(t *testing.T) {
	t.Parallel()
	disk, root := t.TempDir(), t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, ""); err != nil {
		t.Skip("cannot mount: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	mount := func() { e2e.Must(t, syscall.Mount(disk, root, "", syscall.MS_BIND, "")) }
	mount()
	t.Cleanup(func() { syscall.Unmount(root, syscall.MNT_DETACH) })

	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	var away atomic.Bool
	away.Store(true)
	proxy.Before = func(_ *s3test.Request, w http.ResponseWriter) bool {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return !away.Load()
	}
	s := e2e.StartSidecar(t, root, proxy.Endpoint)
	playlist := "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:1\r\n"
	for n := range 6 {
		e2e.Put(t, root, fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
		if n > 0 {
			playlist += fmt.Sprintf("#EXTINF:4.000,\r\n%d.ts\r\n", n)
		}
	}
	e2e.Put(t, root, "g/s/playlist.m3u8", playlist)
	linked := func() bool {
		for n := range 6 {
			if _, err := os.Stat(filepath.Join(root, fmt.Sprintf(".ems-sidecar/hls/g/s/%d.ts", n))); err != nil {
				return false
			}
		}
		return true
	}
	s.WaitFor("the spool", linked)
	e2e.Must(t, os.Remove(filepath.Join(root, "g/s/0.ts"))) // only the spool has it
	s.WaitFor("failures", func() bool { return len(s.Lines("upload failed")) > 0 })
	s.WaitFor("nothing that is open", func() bool { return syscall.Unmount(root, 0) == nil })
	away.Store(false)
	s.WaitFor("reading", func() bool { return len(s.Lines("file cannot be read", "not mounted")) > 0 })
	mount()
	s.WaitFor("all", func() bool {
		got, err := server.Object("g/s/playlist.m3u8")
		return err == nil && string(got) == playlist
	})
	for n := range 6 {
		s.WaitFor(fmt.Sprint("chunk ", n), func() bool {
			got, err := server.Object(fmt.Sprintf("g/s/%d.ts", n))
			return err == nil && string(got) == fmt.Sprint("chunk ", n)
		})
	}
	for _, line := range append(s.Lines("level=WARN", "lost"), s.Lines("level=ERROR", "lost")...) {
		t.Error(line)
	}
}
