package outage

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

var outageTime = long.Duration("outage", 12*time.Second, 12*time.Second, "how long TestOutage goes on without a bucket")

// A bucket that is away for longer than EMS keeps a chunk: each arrives all the same, also if the
// daemon is killed meanwhile.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		name := "a daemon that lives on"
		if killed {
			name = "a daemon that is killed in the middle"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := e2e.NewRandom(t)
			// As with playlistLength = 5.
			p := e2e.Pace{Chunk: time.Second, Frame: 100 * time.Millisecond, Video: 150_000, Audio: 90_000, Stale: 1, Rolling: true}
			s := e2e.NewSite(t, 8, p)
			s.Launch()
			s.Ready()
			s.View()
			s.Play(random, 2*outageTime())
			s.BecomesCurrent(time.Now(), e2e.RecoveryTime)

			s.Proxy.Befall(s3test.Refuse())
			e2e.Patient.Sleep(outageTime() / 2) // it lasts so long
			if killed {
				s.Side.Kill()
				s.Launch()
				s.Ready()
			}
			e2e.Patient.Sleep(outageTime() / 2)
			now := time.Now()
			backlog, deleted := s.Missing(now), 0
			for _, key := range backlog {
				if _, err := os.Stat(filepath.Join(s.Root, key)); os.IsNotExist(err) {
					deleted++
				}
			}
			if deleted < len(s.Encoders) {
				t.Errorf("%d chunks were deleted in the outage: it is too short to prove anything", deleted)
			}
			s.Proxy.Mend()
			current, complete := s.Recovers(e2e.RecoveryTime)
			s.End()
			s.Recovers(e2e.RecoveryTime)
			s.Unview()
			if len(s.Referee.Setbacks) > 0 {
				t.Errorf("the bucket went back: %v", s.Referee.Setbacks)
			}
			s.NothingIsLost()
			if code := s.Side.Stop(); code != 0 {
				t.Errorf("exit code %d after SIGTERM", code)
			}
			t.Logf("%v without a bucket: %d chunks in the backlog, %d of them deleted from the disk; playlists current after %.1f s, backlog gone after %.1f s",
				outageTime(), len(backlog), deleted, current.Seconds(), complete.Seconds())
		})
	}
}
