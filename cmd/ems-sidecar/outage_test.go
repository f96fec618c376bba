package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ems-sidecar/internal/s3test"
)

var outageTime = flag.Duration("outage", 12*time.Second, "how long TestOutage goes on without a bucket")

// A bucket that is away for longer than EMS keeps a chunk: each arrives all the same, also if the daemon is killed meanwhile.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		name := "a daemon that lives on"
		if killed {
			name = "a daemon that is killed in the middle"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := newRandom(t)
			// As with playlistLength = 5.
			p := pace{chunk: time.Second, frame: 100 * time.Millisecond, video: 150_000, audio: 90_000, stale: 1, rolling: true}
			s := newSite(t, 8, p)
			s.launch()
			s.ready()
			s.view()
			s.play(random, 2**outageTime)
			s.becomesCurrent(time.Now(), recoveryTime)

			s.proxy.Befall(s3test.Refuse())
			time.Sleep(*outageTime / 2) // it lasts so long
			if killed {
				s.side.kill()
				s.launch()
				s.ready()
			}
			time.Sleep(*outageTime / 2)
			now := time.Now()
			backlog, deleted := s.missing(now), 0
			for _, key := range backlog {
				if _, err := os.Stat(filepath.Join(s.root, key)); os.IsNotExist(err) {
					deleted++
				}
			}
			if deleted < len(s.encoders) {
				t.Errorf("%d chunks were deleted in the outage: it is too short to prove anything", deleted)
			}
			s.proxy.Mend()
			current, complete := s.recovers(recoveryTime)
			s.end()
			s.recovers(recoveryTime)
			s.unview()
			if len(s.referee.setbacks) > 0 {
				t.Errorf("the bucket went back: %v", s.referee.setbacks)
			}
			s.nothingIsLost()
			if code := s.side.stop(); code != 0 {
				t.Errorf("exit code %d after SIGTERM", code)
			}
			t.Logf("%v without a bucket: %d chunks in the backlog, %d of them deleted from the disk; playlists current after %.1f s, backlog gone after %.1f s",
				*outageTime, len(backlog), deleted, current.Seconds(), complete.Seconds())
		})
	}
}
