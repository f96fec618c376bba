package main

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
)

// A site has encoders that write below a root, and a bucket behind a proxy with a referee at its door. The daemon
// between them comes and goes.
type site struct {
	t        *testing.T
	root     string
	server   *s3test.Server
	proxy    *s3test.Proxy
	archive  *archive
	referee  *referee
	encoders []encoder
	side     *sidecar
	command  func() (cmd *exec.Cmd, admin string) // of the daemon; nil is the usual one

	stop    chan struct{} // closed when runs are to end, and no new ones to begin
	playing sync.WaitGroup
	viewed  chan struct{} // closed when viewers are to end
	viewing sync.WaitGroup
}

// newSite returns a site with n encoders, which do not write yet.
func newSite(t *testing.T, n int, p pace) *site {
	t.Helper()
	server := s3test.Start(t)
	return siteBehind(t, server, s3test.NewProxy(t, server), n, p)
}

// siteBehind is newSite with a proxy of the test's own.
func siteBehind(t *testing.T, server *s3test.Server, proxy *s3test.Proxy, n int, p pace) *site {
	t.Helper()
	s := &site{t: t, root: t.TempDir(), server: server, proxy: proxy, stop: make(chan struct{}), viewed: make(chan struct{})}
	s.archive = newArchive(s.root)
	s.referee = newReferee(t, s.server, s.archive)
	s.referee.faulty = true
	s.proxy.Before, s.proxy.After = s.referee.before, s.referee.after
	s.encoders = encoders(s.archive, n, p)
	return s
}

// launch starts the daemon.
func (s *site) launch() {
	s.t.Helper()
	if s.command != nil {
		cmd, admin := s.command()
		s.side = launch(s.t, cmd, admin)
		return
	}
	s.side = newSidecar(s.t, s.root, s.proxy.Endpoint, s.sections()...)
}

// sections returns what the config needs besides HLS.
func (s *site) sections() (lines []string) {
	for _, format := range []string{"HDS", "DASH", "MSS"} { // they share the root with HLS
		lines = append(lines, "Amazon"+format+"Upload watch_dir = '"+s.root+"'")
	}
	return lines
}

// ready waits until the daemon has scanned the root.
func (s *site) ready() {
	s.t.Helper()
	s.side.waitForReady()
}

// play has all encoders write, one run after the other, each of them at least of the length, with a pause behind it.
func (s *site) play(random *rand.Rand, length time.Duration) {
	for _, e := range s.encoders {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		s.playing.Go(func() {
			for run := 1; ; run++ {
				over := after(length + rand.N(length))
				if err := e.play(run, func() bool { return s.stopped(0) || over() }); err != nil {
					s.t.Errorf("%s: %v", e.directory(), err)
					return
				}
				// The encoder is away.
				if s.stopped(time.Second + time.Duration(random.Int64N(int64(3*time.Second)))) {
					return
				}
			}
		})
	}
}

// stopped reports whether encoders are to stop, within so long.
func (s *site) stopped(within time.Duration) bool {
	select {
	case <-s.stop:
	case <-time.After(within):
	}
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// end lets all encoders end their runs.
func (s *site) end() {
	close(s.stop)
	s.playing.Wait()
}

// view has a viewer look at all manifests until unview.
func (s *site) view() {
	s.viewing.Go(func() { s.referee.view(s.manifests(), s.viewed) })
}

func (s *site) unview() {
	close(s.viewed)
	s.viewing.Wait()
}

// manifests returns the keys of all manifests.
func (s *site) manifests() (keys []string) {
	for _, e := range s.encoders {
		for _, file := range e.manifests() {
			keys = append(keys, s.archive.key(file))
		}
	}
	return keys
}

// current reports whether the bucket has the manifest as it is on disk, or as it was at a time after the given one: with
// names that come back, a manifest waits for caches, and is always one behind.
func (s *site) current(key string, since time.Time) bool {
	disk, err := os.ReadFile(filepath.Join(s.root, key))
	if err != nil {
		return false
	}
	got, err := s.server.Object(key)
	if err != nil || bytes.Equal(got, disk) {
		return err == nil
	}
	e, known := s.archive.editionOf(key, got)
	return known && e.at.After(since)
}

// becomesCurrent waits until each manifest is current, and returns how long that took.
func (s *site) becomesCurrent(since time.Time, limit time.Duration) time.Duration {
	s.t.Helper()
	return s.wait(limit, "these manifests are not what they are on disk", s.manifests(), func(key string) bool {
		return s.current(key, since)
	})
}

// catchesUp waits until the bucket has all that was whole before the time, and returns how long that took.
func (s *site) catchesUp(before time.Time, limit time.Duration) time.Duration {
	s.t.Helper()
	due := s.archive.due(before)
	return s.wait(limit, "these chunks are not in the bucket", slices.Sorted(maps.Keys(due)), func(key string) bool {
		return s.referee.has(key, due[key].run)
	})
}

// recovers waits for both, and returns how long they took.
func (s *site) recovers(limit time.Duration) (current, complete time.Duration) {
	s.t.Helper()
	now := time.Now()
	var both sync.WaitGroup
	both.Go(func() { current = s.becomesCurrent(now, limit) })
	complete = s.catchesUp(now, limit)
	both.Wait()
	return current, complete
}

// wait waits until each of the keys was fine once, and returns how long that took.
func (s *site) wait(limit time.Duration, what string, keys []string, fine func(key string) bool) time.Duration {
	s.t.Helper()
	began, late := time.Now(), patient.Deadline(limit)
	for {
		keys = slices.DeleteFunc(keys, fine)
		over := late()
		if len(keys) > 0 && over {
			s.t.Errorf("after %v (%v on this busy machine) %s: %q",
				limit, time.Since(began).Round(time.Second), what, keys)
		}
		if len(keys) == 0 || over {
			return time.Since(began)
		}
		time.Sleep(20 * time.Millisecond) // files give no sign
	}
}

// missing returns the keys under which the bucket has neither what was whole before the time, nor what came after it.
func (s *site) missing(before time.Time) (keys []string) {
	for key, written := range s.archive.due(before) {
		if !s.referee.has(key, written.run) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// nothingIsLost tests what the daemon says.
func (s *site) nothingIsLost() {
	s.t.Helper()
	if lost := append(s.side.lines("chunk is lost"), s.side.lines("chunks are lost")...); len(lost) > 0 {
		s.t.Errorf("the daemon says: %q", lost)
	}
}
