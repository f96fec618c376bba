package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"ems-sidecar/internal/s3test"
)

// R6: chunks that wait in an outage while their disk is unmounted and mounted again arrive after it, and nothing is taken
// for lost, although the outage ends while there is nothing to read.
func TestUnmountedDirectoryLosesNothing(t *testing.T) {
	t.Parallel()
	disk, root := t.TempDir(), t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, ""); err != nil {
		t.Skip("cannot mount: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	mount := func() { must(t, syscall.Mount(disk, root, "", syscall.MS_BIND, "")) }
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
	s := startSidecar(t, root, proxy.Endpoint)
	playlist := "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:1\r\n"
	for n := range 6 {
		put(t, root, fmt.Sprintf("g/s/%d.ts", n), fmt.Sprint("chunk ", n))
		if n > 0 {
			playlist += fmt.Sprintf("#EXTINF:4.000,\r\n%d.ts\r\n", n)
		}
	}
	put(t, root, "g/s/playlist.m3u8", playlist)
	linked := func() bool {
		for n := range 6 {
			if _, err := os.Stat(filepath.Join(root, fmt.Sprintf(".ems-sidecar/hls/g/s/%d.ts", n))); err != nil {
				return false
			}
		}
		return true
	}
	s.waitFor("the spool", linked)
	must(t, os.Remove(filepath.Join(root, "g/s/0.ts"))) // only the spool has it
	s.waitFor("failures", func() bool { return len(s.lines("upload failed")) > 0 })
	s.waitFor("nothing that is open", func() bool { return syscall.Unmount(root, 0) == nil })
	away.Store(false)
	s.waitFor("reading", func() bool { return len(s.lines("file cannot be read", "not mounted")) > 0 })
	mount()
	s.waitFor("all", func() bool {
		got, err := server.Object("g/s/playlist.m3u8")
		return err == nil && string(got) == playlist
	})
	for n := range 6 {
		s.waitFor(fmt.Sprint("chunk ", n), func() bool {
			got, err := server.Object(fmt.Sprintf("g/s/%d.ts", n))
			return err == nil && string(got) == fmt.Sprint("chunk ", n)
		})
	}
	for _, line := range append(s.lines("level=WARN", "lost"), s.lines("level=ERROR", "lost")...) {
		t.Error(line)
	}
}
