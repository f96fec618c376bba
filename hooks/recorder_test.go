package hooks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/hooks"
	"ems-sidecar/media"
)

// stampOf is the part of a path that tells the recordings of a stream apart.
var stampOf = regexp.MustCompile(`-\d{8}-\d{6}-\d{3}$`)

func record(dir string, period time.Duration) hooks.Settings {
	return hooks.Settings{Recorder: &config.Recorder{FileLocation: dir, Period: period, Type: "ts"}}
}

// recordings returns the ids of the streams that are recorded now, by the name of the stream.
func recordings(s *emstest.Server) map[string][]uint32 {
	found := make(map[string][]uint32)
	for _, st := range s.Streams() {
		if st.Record != nil && st.Record.ConfigID != 0 {
			found[st.Name] = append(found[st.Name], st.ID)
		}
	}
	return found
}

func each(t *testing.T, found map[string][]uint32, n int) bool {
	t.Helper()
	for name, ids := range found {
		if len(ids) > 1 {
			t.Fatalf("%s is recorded %d times", name, len(ids))
		}
	}
	return len(found) == n
}

func TestEachStreamIsRecordedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, emstest.Settings{Files: true, Second: 100 * time.Millisecond})
	r := run(t, s, record(dir+"/", 5*time.Second))
	publish(t, s, "a b", "a_b", "../evil", "cam")
	within(t, 5*time.Second, "all are recorded", func() bool { return each(t, recordings(s), 4) })
	r.looked()
	each(t, recordings(s), 4)
	if n := count(s, "record"); n != 4 || count(s, "setTimer", "listTimers") != 0 {
		t.Errorf("%d orders, %d timers", n, count(s, "setTimer", "listTimers"))
	}
	paths := make(map[string]bool)
	for _, o := range s.Config().Record {
		if filepath.Dir(o.PathToFile) != dir || o.ChunkLength != 5 || !o.KeepAlive || o.Variables["localStreamName"] != o.LocalStreamName {
			t.Errorf("%+v", o)
		}
		paths[stampOf.ReplaceAllString(o.PathToFile, "")] = true
	}
	if len(paths) != 4 || !paths[dir+"/cam"] {
		t.Errorf("%v", paths)
	}
	within(t, 10*time.Second, "files rotate", func() bool {
		found, _ := filepath.Glob(dir + "/cam-*_part0002.ts")
		return len(found) == 1
	})
}

// With an older server: one timer for each recording, whatever happens.
func TestRecordingsRotateByTimers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, emstest.Settings{Files: true, NoChunkLength: true, Second: 10 * time.Millisecond})
	s.Disturb(emstest.Disturbance{Lose: 0.3, Double: 0.3, Disorder: 20 * time.Millisecond})
	settings := record(dir, 60*time.Second) // 0.6 s here
	settings.Interval = time.Second
	r := run(t, s, settings)
	publish(t, s, names("cam", 5)...)
	most := 0
	watch := func() bool {
		found := recordings(s)
		each(t, found, 5)
		most = max(most, len(s.Timers()))
		files, _ := filepath.Glob(dir + "/*.ts")
		return len(files) >= 20
	}
	within(t, 30*time.Second, "20 files", watch)
	if most > 6 { // one may be there twice for a moment
		t.Errorf("%d timers for 5 recordings", most)
	}
	// A kill, and the server goes on without us: its timers fire, and no one reacts.
	r.stop()
	time.Sleep(time.Second)
	run(t, s, settings)
	within(t, 10*time.Second, "a new start takes over", func() bool {
		return count(s, "removeConfig") > 20 && len(s.Timers()) <= 5
	})
	s.Disturb(emstest.Disturbance{})
	within(t, 10*time.Second, "each recording has one timer", func() bool { return len(s.Timers()) == 5 && each(t, recordings(s), 5) })
	if got := s.Config().Record; len(got) != 5 {
		t.Errorf("%d orders", len(got))
	}
}

func TestTimersOfRecordingsThatEndedAreRemoved(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{NoChunkLength: true})
	r := run(t, s, record("/rec", time.Hour))
	cam := publish(t, s, "cam")[0]
	within(t, 5*time.Second, "it has a timer", func() bool { return len(s.Timers()) == 1 })
	cam.End()
	r.looked()
	within(t, 5*time.Second, "it has none", func() bool { return len(s.Timers()) == 0 })
	publish(t, s, "cam")
	within(t, 5*time.Second, "it has one again", func() bool { return len(s.Timers()) == 1 && each(t, recordings(s), 1) })
}

// An operator's timers and recordings are left alone.
func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{NoChunkLength: true})
	api, _ := emsapi.New(emsapi.Settings{URL: s.URL()})
	if _, err := api.SetTimer(t.Context(), emsapi.Timer{Seconds: 1, Variables: emsapi.Variables{"uniqueId": "1"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Record(t.Context(), emsapi.Recording{LocalStreamName: "gone", PathToFile: "/other/x", Type: "flv", KeepAlive: true}); err != nil {
		t.Fatal(err)
	}
	settings := record("/rec", time.Hour)
	settings.Interval = time.Second
	r := run(t, s, settings)
	publish(t, s, "cam")
	within(t, 5*time.Second, "it is recorded", func() bool { return len(s.Timers()) == 2 })
	time.Sleep(2500 * time.Millisecond) // two intervals
	r.looked()
	if got := s.Config().Record; len(got) != 2 || len(s.Timers()) != 2 {
		t.Errorf("%d orders, %d timers", len(got), len(s.Timers()))
	}
}

func TestDirectoryThatIsMissingIsOneError(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "missing")
	s := serve(t, emstest.Settings{Files: true})
	r := run(t, s, record(dir, time.Hour))
	publish(t, s, names("cam", 5)...)
	within(t, 10*time.Second, "it is tried again", func() bool { return count(s, "record") >= 10 })
	if got := r.log.lines("level=ERROR"); len(got) != 1 || !strings.Contains(got[0], dir) {
		t.Errorf("%d errors:\n%s", len(got), got)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	within(t, 15*time.Second, "all are recorded", func() bool { return each(t, recordings(s), 5) })
	if got := r.log.lines("can record again"); len(got) != 1 {
		t.Errorf("%s", got)
	}
}

// The orders of streams that are gone would pile up: names are the publishers' to choose.
func TestOrdersOfStreamsThatAreGoneAreRemoved(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{})
	settings := record("/rec", time.Hour)
	settings.Interval = 2 * time.Second
	run(t, s, settings)
	ending := publish(t, s, names("cam", 20)...)
	within(t, 5*time.Second, "all are recorded", func() bool { return each(t, recordings(s), 20) })
	for _, p := range ending {
		p.End()
	}
	stays := publish(t, s, "stays")[0]
	within(t, 15*time.Second, "one order is left", func() bool { return len(s.Config().Record) == 1 })
	select {
	case <-stays.Done():
		t.Error("the other has ended")
	default:
	}
}

func TestChangedSettingsReplaceTheOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{})
	first := run(t, s, record("/rec", time.Hour))
	publish(t, s, "cam")
	within(t, 5*time.Second, "it is recorded", func() bool { return each(t, recordings(s), 1) })
	first.stop()
	run(t, s, record("/rec", time.Minute))
	within(t, 5*time.Second, "it is recorded again", func() bool {
		got := s.Config().Record
		return len(got) == 1 && got[0].ChunkLength == 60 && each(t, recordings(s), 1)
	})
}

// DASH has the server report its init segments as recordings.
func TestInitSegmentsAreNoRecordings(t *testing.T) {
	t.Parallel()
	s := serve(t, emstest.Settings{NoChunkLength: true})
	api, _ := emsapi.New(emsapi.Settings{URL: s.URL()})
	run(t, s, record("/rec", time.Hour))
	publish(t, s, "cam")
	if _, err := api.CreateOutput(t.Context(), media.DASH, emsapi.OutputRequest{LocalStreamName: "cam", TargetFolder: "/www", GroupName: "g"}); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "it is recorded", func() bool { return len(s.Timers()) == 1 })
	for _, c := range s.Calls() {
		if strings.Contains(c.Raw, "segInitwriter") || c.Command == "shutdownStream" {
			t.Errorf("%+v", c)
		}
	}
}
