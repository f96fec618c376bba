package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
)

// A Site has encoders that write below a root, and a bucket behind a proxy with a referee at its
// door. The daemon between them comes and goes.
type Site struct {
	t        *testing.T
	Root     string
	Server   *s3test.Server
	Proxy    *s3test.Proxy
	Archive  *Archive
	Referee  *Referee
	Encoders []Encoder
	Side     *Sidecar
	Command  func() (cmd *exec.Cmd, admin string) // of the daemon; nil is the usual one

	stop    chan struct{} // closed when runs are to end, and no new ones to begin
	playing sync.WaitGroup
	viewed  chan struct{} // closed when viewers are to end
	viewing sync.WaitGroup
}

// NewSite returns a site with n encoders, which do not write yet.
func NewSite(t *testing.T, n int, p Pace) *Site {
	t.Helper()
	server := s3test.Start(t)
	return SiteBehind(t, server, s3test.NewProxy(t, server), n, p)
}

// SiteBehind is newSite with a proxy of the test's own.
func SiteBehind(t *testing.T, server *s3test.Server, proxy *s3test.Proxy, n int, p Pace) *Site {
	t.Helper()
	s := &Site{t: t, Root: t.TempDir(), Server: server, Proxy: proxy, stop: make(chan struct{}),
		viewed: make(chan struct{})}
	s.Archive = NewArchive(s.Root)
	s.Referee = NewReferee(t, s.Server, s.Archive)
	s.Referee.faulty = true
	s.Proxy.Before, s.Proxy.After = s.Referee.Before, s.Referee.After
	s.Encoders = Encoders(s.Archive, n, p)
	return s
}

// Launch starts the daemon.
func (s *Site) Launch() {
	s.t.Helper()
	if s.Command != nil {
		cmd, admin := s.Command()
		s.Side = Launch(s.t, cmd, admin)
		return
	}
	s.Side = NewSidecar(s.t, s.Root, s.Proxy.Endpoint, s.Sections()...)
}

// Sections returns the config's lines for the other formats than HLS.
func (s *Site) Sections() (lines []string) {
	for _, format := range []string{"HDS", "DASH", "MSS"} { // they share the root with HLS
		lines = append(lines, "Amazon"+format+"Upload watch_dir = '"+s.Root+"'")
	}
	return lines
}

// Ready waits until the daemon has scanned the root.
func (s *Site) Ready() {
	s.t.Helper()
	s.Side.WaitForReady()
}

// Play has all encoders write, one run after the other, each of them at least of the length, with a
// pause behind it.
func (s *Site) Play(random *rand.Rand, length time.Duration) {
	for _, e := range s.Encoders {
		random := rand.New(rand.NewPCG(random.Uint64(), 0))
		s.playing.Go(func() {
			for run := 1; ; run++ {
				over := Patient.Deadline(length + rand.N(length))
				if err := e.Play(run, func() bool { return s.stopped(0) || over() }); err != nil {
					s.t.Errorf("%s: %v", e.Directory(), err)
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
func (s *Site) stopped(within time.Duration) bool {
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

// End lets all encoders end their runs.
func (s *Site) End() {
	close(s.stop)
	s.playing.Wait()
}

// View has a viewer look at all manifests until unview.
func (s *Site) View() {
	s.viewing.Go(func() { s.Referee.View(s.Manifests(), s.viewed) })
}

// Unview ends the viewer.
func (s *Site) Unview() {
	close(s.viewed)
	s.viewing.Wait()
}

// Manifests returns the keys of all manifests.
func (s *Site) Manifests() (keys []string) {
	for _, e := range s.Encoders {
		for _, file := range e.Manifests() {
			keys = append(keys, s.Archive.Key(file))
		}
	}
	return keys
}

// current reports whether the bucket has the manifest as it is on disk, or as it was at a time
// after the given one: with names that come back, a manifest waits for caches, and is always one
// behind.
func (s *Site) current(key string, since time.Time) bool {
	disk, err := os.ReadFile(filepath.Join(s.Root, key))
	if err != nil {
		return false
	}
	got, err := s.Server.Object(key)
	if err != nil || bytes.Equal(got, disk) {
		return err == nil
	}
	e, known := s.Archive.editionOf(key, got)
	return known && e.at.After(since)
}

// BecomesCurrent waits until each manifest is current, and returns how long that took.
func (s *Site) BecomesCurrent(since time.Time, limit time.Duration) time.Duration {
	s.t.Helper()
	return s.wait(limit, "these manifests are not what they are on disk", s.Manifests(), func(key string) bool {
		return s.current(key, since)
	})
}

// CatchesUp waits until the bucket has all that was whole before the time, and returns how long
// that took.
func (s *Site) CatchesUp(before time.Time, limit time.Duration) time.Duration {
	s.t.Helper()
	due := s.Archive.Due(before)
	return s.wait(limit, "these chunks are not in the bucket", slices.Sorted(maps.Keys(due)), func(key string) bool {
		return s.Referee.has(key, due[key].Run)
	})
}

// Recovers waits for both, and returns how long they took.
func (s *Site) Recovers(limit time.Duration) (current, complete time.Duration) {
	s.t.Helper()
	now := time.Now()
	var both sync.WaitGroup
	both.Go(func() { current = s.BecomesCurrent(now, limit) })
	complete = s.CatchesUp(now, limit)
	both.Wait()
	return current, complete
}

// wait waits until each of the keys was fine once, and returns how long that took.
func (s *Site) wait(limit time.Duration, what string, keys []string, fine func(key string) bool) time.Duration {
	s.t.Helper()
	began, late := time.Now(), Patient.Deadline(limit)
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

// Missing returns the keys under which the bucket has neither what was whole before the time, nor
// what came after it.
func (s *Site) Missing(before time.Time) (keys []string) {
	for key, written := range s.Archive.Due(before) {
		if !s.Referee.has(key, written.Run) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// NothingIsLost tests what the daemon says.
func (s *Site) NothingIsLost() {
	s.t.Helper()
	if lost := append(s.Side.Lines("chunk is lost"), s.Side.Lines("chunks are lost")...); len(lost) > 0 {
		s.t.Errorf("the daemon says: %q", lost)
	}
}

// RecoveryTime is how long recovering from a fault may take: after a refusal (403), the bucket is
// probed every 30 s.
const RecoveryTime = 45 * time.Second

// FilesBelow returns the paths of all files below root that are published.
func FilesBelow(t *testing.T, root string) (paths []string) {
	t.Helper()
	Must(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir():
			rel, err := filepath.Rel(root, p)
			paths = append(paths, filepath.ToSlash(rel))
			return err
		}
		return nil
	}))
	return paths
}

// Survives runs the site's streams through the faults and returns a line of a table.
func (s *Site) Survives(name string, faults []s3test.Fault) string {
	s.t.Helper()
	s.Launch()
	s.Ready()
	s.View()
	s.Play(NewRandom(s.t), 15*time.Second)
	s.BecomesCurrent(time.Now(), RecoveryTime)
	var current, empty time.Duration
	backlog := 0
	for _, fault := range faults {
		s.Proxy.Befall(fault)
		Patient.Sleep(FaultTime()) // it lasts so long
		s.Proxy.Mend()
		backlog = max(backlog, len(s.Missing(time.Now())))
		c, e := s.Recovers(RecoveryTime)
		s.Proxy.Settle()
		current, empty = max(current, c), max(empty, e)
	}
	s.End()
	s.Recovers(RecoveryTime)
	s.Unview()
	s.NothingIsLost()
	if code := s.Side.Stop(); code != 0 {
		s.t.Errorf("exit code %d after SIGTERM", code)
	}
	return fmt.Sprintf("| %s | %d | %.1f | %.1f |", name, backlog, current.Seconds(), empty.Seconds())
}
