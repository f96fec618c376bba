//go:build linux

package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader/spool"
)

var (
	soakStreams = flag.Int("soak-streams", 12, "streams of TestSoak, of which a quarter, those of MSS, is left out")
	soakChunks  = flag.Int("soak-chunks", 60, "chunks of each of them; 600 are as many as come in an hour")
)

// A usage is what a process has of the machine.
type usage struct {
	memory      int // resident, in KiB
	threads     int
	files       int // open
	connections int // which are kept for a while when nothing is to be sent
}

func (u usage) String() string {
	return fmt.Sprintf("%.1f MiB, %d threads, %d open files, %d connections", float64(u.memory)/1024, u.threads, u.files, u.connections)
}

// usage returns what the daemon has now.
func (s *sidecar) usage() (u usage) {
	s.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	must(s.t, err)
	for line := range strings.Lines(string(status)) {
		fmt.Sscanf(line, "VmRSS: %d", &u.memory)
		fmt.Sscanf(line, "Threads: %d", &u.threads)
	}
	files, err := os.ReadDir(proc + "fd")
	must(s.t, err)
	for _, f := range files {
		if to, _ := os.Readlink(proc + "fd/" + f.Name()); strings.HasPrefix(to, "socket:") {
			u.connections++
		} else {
			u.files++
		}
	}
	return u
}

// goroutines ends the daemon and returns how many goroutines it had, not counting those of idle connections.
func (s *sidecar) goroutines() (n int) {
	s.t.Helper()
	must(s.t, s.cmd.Process.Signal(syscall.SIGQUIT))
	<-s.ended
	s.cmd.Wait()
	_, dump, _ := strings.Cut(s.tail(1_000_000), "SIGQUIT: quit")
	for _, stack := range strings.Split(dump, "\n\n") {
		if strings.HasPrefix(stack, "goroutine ") && !strings.Contains(stack, "net/http.(*persistConn)") {
			n++
		}
	}
	return n
}

// The load of an hour in a minute or two, with an outage in it: what the daemon has taken, it gives back.
func TestSoak(t *testing.T) {
	t.Parallel()
	// Chunks stay on disk for some seconds, as those of a slower clock do for longer: one that is closed within a second of its
	// creation is whole when it has not changed for another second.
	s := newSite(t, *soakStreams, pace{chunk: 100 * time.Millisecond, frame: 50 * time.Millisecond, video: 4000, audio: 2000, stale: 40, rolling: true})
	// MSS chunks wait for a minute, at this speed, for a look-ahead that they have already.
	s.encoders = slices.DeleteFunc(s.encoders, func(e encoder) bool { return strings.HasPrefix(e.directory(), "mss") })
	s.proxy.Before = nil // nobody judges at this speed
	s.launch()
	s.ready()
	var written atomic.Int64
	var playing sync.WaitGroup
	for _, e := range s.encoders {
		playing.Go(func() {
			time.Sleep(rand.N(100 * time.Millisecond)) // encoders do not know of each other
			left := *soakChunks
			err := e.play(1, func() bool {
				written.Add(1)
				left--
				return left == 0
			})
			if err != nil {
				t.Errorf("%s: %v", e.directory(), err)
			}
		})
	}
	all := len(s.encoders) * *soakChunks
	reached := func(part float64) {
		t.Helper()
		within(t, 5*time.Minute, "so much written", func() bool { return float64(written.Load()) >= part*float64(all) })
	}
	began := time.Now()
	reached(0.5)
	before := s.side.usage()
	s.proxy.Befall(s3test.Refuse())
	reached(0.7)
	peak := s.side.usage()
	s.proxy.Mend()
	mended := time.Now()
	playing.Wait()
	took := time.Since(began)
	s.recovers(2 * time.Minute)
	recovered := time.Since(mended)
	eventually(t, "an empty spool", func() bool { return len(filesIn(t, filepath.Join(s.root, spool.DirName))) == 0 })

	// Memory is given back some time after a collection, and there is one every two minutes, at least.
	var after usage
	back := func() bool {
		after = s.side.usage()
		return after.memory <= before.memory+8<<10 && after.files <= before.files
	}
	within(t, 5*time.Minute, "memory and open files are what they were", back)
	const sections, workers, own = 4, 32 + 2, 8
	if most := sections*workers + own; after.connections > most {
		t.Errorf("%d connections, want no more than %d", after.connections, most)
	}
	if after.threads > before.threads+8 {
		t.Errorf("%d threads, there were %d", after.threads, before.threads)
	}
	goroutines := s.side.goroutines()
	s.launch()
	s.ready()
	s.recovers(recoveryTime)
	fresh := s.side.goroutines()
	if goroutines > fresh {
		t.Errorf("%d goroutines, a daemon that was just started has %d", goroutines, fresh)
	}
	t.Logf("%d streams of HLS, HDS and DASH, %d chunks in %.1f s, with a fifth of them in an outage; all in the bucket %.1f s after it; "+
		"%v before the outage, %v at the end of it, %v at last; %d goroutines, those of a daemon that was just started: %d",
		len(s.encoders), len(s.archive.chunks), took.Seconds(), recovered.Seconds(), before, peak, after, goroutines, fresh)
}

// filesIn returns the paths of all files below dir.
func filesIn(t testing.TB, dir string) (paths []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
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
