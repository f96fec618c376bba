package publish

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

// missingFrom returns what the bucket's playlist under key names and the bucket has not.
func missingFrom(server *s3test.Server, key string) (missing []string) {
	playlist, err := server.Object(key)
	if err != nil {
		return nil // there is none
	}
	for line := range strings.Lines(string(playlist)) {
		if name := strings.TrimSpace(line); name != "" && name[0] != '#' {
			if _, err := os.Stat(filepath.Join(server.Dir, path.Dir(key), name)); err != nil {
				missing = append(missing, name)
			}
		}
	}
	return missing
}

// hasAll reports whether the bucket has each file below root that is published.
func hasAll(t *testing.T, server *s3test.Server, root string) bool {
	t.Helper()
	for _, file := range e2e.FilesBelow(t, root) {
		if _, err := server.Object(file); err != nil {
			return false
		}
	}
	return true
}

// With delete = mirror, the bucket has in the end what is on the disk: of a rolling stream, after
// cleanupDestination's burst, and when a folder is removed; but also when the whole root is gone,
// what was there. At no time does a playlist name what is deleted. In the short form it ends before
// the first deletion is due.
func TestBucketMirrorsDeletions(t *testing.T) {
	t.Parallel()
	const delay = 2 * time.Second
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	root := filepath.Join(t.TempDir(), "media")
	e2e.Must(t, os.Mkdir(root, 0o755))
	s := e2e.StartSidecar(t, root, proxy.Endpoint, "S3 delete = mirror", fmt.Sprintf("S3 delete_delay = %v", delay))

	deletions := func() (n int) {
		for _, q := range proxy.Log() {
			if q.Method == http.MethodPost && strings.HasPrefix(q.Query, "delete") {
				n++
			}
		}
		return n
	}
	mirrored := func() bool {
		keys, err := server.Keys()
		e2e.Must(t, err)
		return slices.Equal(slices.Sorted(slices.Values(keys)), slices.Sorted(slices.Values(e2e.FilesBelow(t, root))))
	}
	// A viewer may have read the playlist just before a newer one came, but not the delay before.
	stop, viewed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(viewed)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				for _, key := range []string{"news/rolling/playlist.m3u8", "news/growing/playlist.m3u8"} {
					if m := missingFrom(server, key); len(m) > 0 {
						t.Errorf("%s names %q, which are not there", key, m)
						return
					}
				}
			}
		}
	}()

	leave := sync.OnceFunc(func() { close(stop); <-viewed })
	t.Cleanup(leave)

	const chunk = 150 * time.Millisecond
	rolling := &emswriter.HLS{Dir: filepath.Join(root, "news/rolling"), Cleanup: true, Target: chunk}
	growing := &emswriter.HLS{Dir: filepath.Join(root, "news/growing"), Appending: true, Target: chunk}
	play := func(streams ...*emswriter.HLS) {
		for _, h := range streams {
			e2e.Must(t, h.Start())
		}
		tick := time.NewTicker(chunk)
		defer tick.Stop()
		for n := range 30 {
			for _, h := range streams {
				_, err := h.Write(emswriter.Packet(h.Dir, n))
				e2e.Must(t, err)
			}
			<-tick.C
			for _, h := range streams {
				if n < 29 {
					e2e.Must(t, h.Next(chunk))
				} else {
					e2e.Must(t, h.End(chunk))
				}
			}
		}
	}
	play(rolling, growing)
	if long.Or(true, false) { // what is deleted later is tested in package uploader, too, with a clock of its own
		s.WaitFor("all that the disk has", func() bool { return hasAll(t, server, root) })
		if n := deletions(); n > 0 {
			t.Errorf("%d deletions in the first minute, in which a playlist of a run before may still arrive", n)
		}
		leave()
		return
	}
	// Nothing is deleted in the first minute, in which a playlist of a run before may still arrive.
	if !e2e.Within(t, 4*time.Minute, "the bucket to have what the disk has, of a rolling stream", mirrored) {
		t.FailNow()
	}
	if n := len(e2e.FilesBelow(t, growing.Dir)); n != 31 {
		t.Fatalf("the disk has %d files of the growing stream", n)
	}

	play(rolling) // which deletes all that is left of the run before
	s.WaitFor("the bucket to have what the disk has, after the burst", mirrored)

	e2e.Must(t, os.RemoveAll(growing.Dir))
	s.WaitFor("the bucket to have what the disk has, of a folder that was removed", mirrored)
	if lines := s.Lines("objects deleted, as their files were", "level=INFO"); len(lines) == 0 {
		t.Error("no line tells of it")
	}

	e2e.Must(t, rolling.Start()) // deletes the run before: that is due when the root is away
	_, err := rolling.Write(emswriter.Packet(rolling.Dir, 0))
	e2e.Must(t, err)
	e2e.Must(t, rolling.Next(chunk))
	before, err := server.Keys()
	e2e.Must(t, err)
	e2e.Must(t, os.Rename(root, root+".away"))
	s.WaitFor("the root to be missed", func() bool { return len(s.Lines("root is gone")) > 0 })
	requests := deletions()
	time.Sleep(3 * delay) // that nothing happens has no sign
	if keys, err := server.Keys(); err != nil || len(keys) < len(before) || deletions() != requests {
		t.Errorf("while the root is away, %d of %d objects are left and %d deletions made, %v", len(keys), len(before), deletions()-requests, err)
	}
	e2e.Must(t, os.Rename(root+".away", root))
	e2e.Must(t, rolling.End(chunk))
	s.WaitFor("the bucket to have what the disk has, when the root is back", mirrored)
	if n := len(e2e.FilesBelow(t, root)); n != 3 {
		t.Errorf("%d files are on the disk: two chunks and a playlist were expected", n)
	}

	leave()
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if c := s.Lines("cannot be deleted"); len(c) > 0 {
		t.Errorf("complaints: %q", c)
	}
}
