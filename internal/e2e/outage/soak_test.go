//go:build linux

package outage

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader/spool"
)

var (
	soakStreams = long.Int("soak-streams", 8, 12, "streams of TestSoak, of which a quarter, those of MSS, is left out")
	soakChunks  = long.Int("soak-chunks", 60, 60, "chunks of each of them; 600 are as many as come in an hour")
)

// The load of an hour in a minute or two, with an outage in it: what the daemon has taken, it gives
// back.
func TestSoak(t *testing.T) {
	t.Parallel()
	// Chunks stay on disk for some seconds, as those of a slower clock do for longer: one that is
	// closed within a second of its creation is whole when it has not changed for another second.
	s := e2e.NewSite(t, soakStreams(), e2e.Pace{Chunk: 100 * time.Millisecond, Frame: 50 * time.Millisecond, Video: 4000, Audio: 2000, Stale: 40, Rolling: true})
	// MSS chunks wait for a minute, at this speed, for a look-ahead that they have already.
	s.Encoders = slices.DeleteFunc(s.Encoders, func(e e2e.Encoder) bool { return strings.HasPrefix(e.Directory(), "mss") })
	s.Proxy.Before = nil // the referee is too slow for this
	s.Launch()
	s.Ready()
	var written atomic.Int64
	var playing sync.WaitGroup
	for _, e := range s.Encoders {
		playing.Go(func() {
			time.Sleep(rand.N(100 * time.Millisecond)) // encoders do not know of each other
			left := soakChunks()
			err := e.Play(1, func() bool {
				written.Add(1)
				left--
				return left == 0
			})
			if err != nil {
				t.Errorf("%s: %v", e.Directory(), err)
			}
		})
	}
	all := len(s.Encoders) * soakChunks()
	reached := func(part float64) {
		t.Helper()
		e2e.Within(t, 5*time.Minute, "so much written", func() bool { return float64(written.Load()) >= part*float64(all) })
	}
	began := time.Now()
	reached(0.5)
	before := s.Side.Usage()
	s.Proxy.Befall(s3test.Refuse())
	reached(0.7)
	peak := s.Side.Usage()
	s.Proxy.Mend()
	mended := time.Now()
	playing.Wait()
	took := time.Since(began)
	s.Recovers(2 * time.Minute)
	recovered := time.Since(mended)
	e2e.Eventually(t, "an empty spool", func() bool { return len(filesIn(t, filepath.Join(s.Root, spool.DirName))) == 0 })

	// Memory is given back some time after a collection, and there is one every two minutes, at
	// least.
	var after e2e.Usage
	back := func() bool {
		after = s.Side.Usage()
		return after.Memory <= before.Memory+8<<10 && after.Files <= before.Files
	}
	e2e.Within(t, 5*time.Minute, "memory and open files are what they were", back)
	const sections, workers, own = 4, 32 + 2, 8
	if most := sections*workers + own; after.Connections > most {
		t.Errorf("%d connections, want no more than %d", after.Connections, most)
	}
	if after.Threads > before.Threads+8 {
		t.Errorf("%d threads, there were %d", after.Threads, before.Threads)
	}
	goroutines := s.Side.Goroutines()
	s.Launch()
	s.Ready()
	s.Recovers(e2e.RecoveryTime)
	fresh := s.Side.Goroutines()
	total := func(by map[string]int) (n int) {
		for _, k := range by {
			n += k
		}
		return n
	}
	if total(goroutines) > total(fresh) {
		t.Errorf("%d goroutines, a daemon that was just started has %d; by what created them: %v and %v",
			total(goroutines), total(fresh), goroutines, fresh)
	}
	t.Logf("%d streams of HLS, HDS and DASH, %d chunks in %.1f s, with a fifth of them in an outage; all in the bucket %.1f s after it; "+
		"%v before the outage, %v at the end of it, %v at last; %d goroutines, those of a daemon that was just started: %d",
		len(s.Encoders), len(s.Archive.Chunks), took.Seconds(), recovered.Seconds(), before, peak, after, total(goroutines), total(fresh))
}

// filesIn returns the paths of all files below dir.
func filesIn(t testing.TB, dir string) (paths []string) {
	t.Helper()
	e2e.Must(t, filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			paths = append(paths, p)
		}
		if os.IsNotExist(err) {
			return nil // just gone
		}
		return err
	}))
	return paths
}
