package hooks_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"ems-sidecar/emsapi/emstest"
)

// collect removes the recordings on the disk, as delete_local and clean-up jobs do, and adds their
// names to those that there have been.
func collect(t *testing.T, dir string, been map[string]bool) (n int) {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if been[f] {
			t.Errorf("a second recording is %s", filepath.Base(f))
		}
		been[f] = true
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	return len(files)
}

// The server names files by what is on the disk. A name that comes again is one key in the bucket.
func TestNoRecordingHasANameThatThereWasBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings emstest.Settings
		away     time.Duration // how long the encoder is away
	}{
		"the encoder comes back":            {emstest.Settings{Files: true}, 1500 * time.Millisecond},
		"events are late":                   {emstest.Settings{Files: true}, 1500 * time.Millisecond},
		"a server that cannot cut":          {emstest.Settings{Files: true, NoChunkLength: true}, 1500 * time.Millisecond},
		"it comes back after half a second": {emstest.Settings{Files: true}, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := serve(t, c.settings)
			if name == "events are late" {
				s.Disturb(emstest.Disturbance{Disorder: 400 * time.Millisecond})
			}
			settings := record(dir, time.Hour)
			settings.Interval = 2 * time.Second
			run(t, s, settings)
			been := make(map[string]bool)
			for range 4 {
				p := publish(t, s, "cam")[0]
				within(t, 5*time.Second, "it is recorded", func() bool { return len(recordings(s)["cam"]) > 0 })
				time.Sleep(time.Second)
				orders := count(s, "record")
				p.End()
				time.Sleep(c.away)
				within(t, 5*time.Second, "an order with a new path waits", func() bool { return count(s, "record") > orders })
				collect(t, dir, been)
			}
			if len(been) < 4 {
				t.Errorf("%d recordings", len(been))
			}
		})
	}
}

func TestARestartOfTheServerGivesNewPaths(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{})
	settings := record("/rec", time.Hour)
	settings.Interval = time.Second
	r := run(t, s, settings)
	been := make(map[string]bool)
	for i := range 3 {
		if i == 2 { // both are started again: then only the order's variable knows
			r.stop()
		}
		if i > 0 {
			s.Stop()
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
		}
		publish(t, s, "cam")
		if i == 2 {
			r = run(t, s, settings)
		}
		within(t, 10*time.Second, "it is recorded into a new path", func() bool {
			orders := s.Config().Record
			if len(orders) != 1 || been[orders[0].PathToFile] || !each(t, recordings(s), 1) {
				return false
			}
			been[orders[0].PathToFile] = true
			return true
		})
		r.looked() // the order has its source now
	}
}

func TestARestartOfTheDaemonCutsNoRecording(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{})
	r := run(t, s, record("/rec", time.Hour))
	publish(t, s, "cam")[0].End()
	r.looked() // the next order waits, and knows of no source
	publish(t, s, "cam", "new")
	within(t, 5*time.Second, "both are recorded", func() bool { return each(t, recordings(s), 2) })
	r.looked()
	before := s.Config().Record
	for range 3 {
		r.stop()
		r = run(t, s, record("/rec", time.Hour))
		r.looked()
	}
	after := s.Config().Record
	if len(after) != 2 || after[0].ConfigID != before[0].ConfigID || after[1].ConfigID != before[1].ConfigID {
		t.Errorf("orders %+v became %+v", before, after)
	}
}

// An encoder that returns within half a second is recorded twice by one order.
func TestTwoOutputsOfOneOrderBecomeOne(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{Second: 3 * time.Second}) // so that each return is a quick one
	settings := record("/rec", time.Hour)
	settings.Interval = time.Hour
	r := run(t, s, settings)
	publish(t, s, "cam")
	within(t, 5*time.Second, "it is recorded", func() bool { return each(t, recordings(s), 1) })
	r.looked()
	r.stop() // the server alone
	for _, name := range []string{"cam", "cam"} {
		s.End(name)
		publish(t, s, name)
	}
	within(t, 10*time.Second, "the server records it twice", func() bool { return len(recordings(s)["cam"]) == 2 })
	r = run(t, s, settings)
	within(t, 10*time.Second, "it is recorded once", func() bool { return len(recordings(s)["cam"]) == 1 })
	r.looked()
	if got := s.Config().Record; len(got) != 1 || len(recordings(s)["cam"]) != 1 {
		t.Errorf("%d orders, %d outputs", len(got), len(recordings(s)["cam"]))
	}
	if got := r.log.lines("level=WARN", "twice"); len(got) != 1 {
		t.Errorf("%d warnings: %s", len(got), got)
	}
}
