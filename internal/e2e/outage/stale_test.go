package outage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

// How long streams go on beside one whose server died.
var soak = long.Duration("stale.soak", 6*time.Second, 5*time.Minute, "how long streams with jitter are watched for a false alarm")

const (
	staleAfter = 3 * time.Second
	judged     = 2 * time.Second // staleness is noticed, and acted on, within that
)

// A writer appends chunks of one stream to its playlist, as a media server does.
type writer struct {
	t       *testing.T
	root    string
	dir     string
	run, n  int
	entries []string
}

// write writes one more chunk, and the playlist that names it.
func (w *writer) write() {
	w.n++
	name := fmt.Sprintf("run%d_%d.ts", w.run, w.n)
	e2e.Put(w.t, w.root, w.dir+"/"+name, name)
	w.entries = append(w.entries, "#EXTINF:1,\n"+name+"\n")
	window := w.entries[max(0, len(w.entries)-5):]
	e2e.Put(w.t, w.root, w.dir+"/playlist.m3u8", fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n", w.n-len(window)+1)+
		strings.Join(window, ""))
}

// A playlist whose server died is removed in time, and returns with the next chunk. Streams whose
// chunks are late, or wait for the store, stay.
func TestPlaylistOfADeadServerIsRemoved(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	proxy := s3test.NewProxy(t, store)
	root := t.TempDir()
	s := e2e.StartSidecar(t, root, proxy.Endpoint, "S3 reconnect_window = 1m", "S3 stale_after = "+staleAfter.String(), "S3 when_stale = remove")
	there := func(dir string) bool {
		_, err := store.Object(dir + "/playlist.m3u8")
		return err == nil
	}

	// Four streams go on, with jitter, until the end.
	var others sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		w := &writer{t: t, root: root, dir: fmt.Sprintf("g/other%d", i), run: 1}
		others.Go(func() {
			for {
				w.write()
				select {
				case <-stop:
					return
				case <-time.After(staleAfter/4 + rand.N(staleAfter/4)): // the pace of an encoder
				}
			}
		})
	}
	dead := &writer{t: t, root: root, dir: "g/dead", run: 1}
	dead.write()
	died := time.Now()
	s.WaitFor("the stream is live", func() bool { return there(dead.dir) })
	s.WaitFor("its playlist is removed", func() bool { return !there(dead.dir) })
	if took := time.Since(died); took < staleAfter || took > staleAfter+judged && e2e.Patient.Share() > 0.7 {
		t.Errorf("it was removed after %v, want %v to %v", took, staleAfter, staleAfter+judged)
	}
	dead.run, dead.n, dead.entries = 2, 0, nil
	dead.write()
	s.WaitFor("it returned", func() bool { return there(dead.dir) })
	playlist, err := store.Object(dead.dir + "/playlist.m3u8")
	if err != nil || !strings.Contains(string(playlist), "#EXT-X-MEDIA-SEQUENCE:2\n") {
		t.Errorf("its numbers do not go on: %v\n%s", err, playlist)
	}

	// The store is away for longer than stale_after.
	proxy.Befall(s3test.Answer(503, "SlowDown"))
	<-time.After(staleAfter + judged) // nothing can tell that nothing happens
	proxy.Mend()
	<-time.After(soak())
	close(stop)
	others.Wait()
	for _, line := range s.Lines("playlist is stale") {
		if !strings.Contains(line, "g/dead") {
			t.Errorf("a stream that goes on counts as stale: %s", line)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "g/other0/playlist.m3u8")); err != nil {
		t.Error(err)
	}
}
