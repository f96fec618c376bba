package daemon

import (
	"math"
	"os"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/media"
)

var hls = config.Upload{Section: "AmazonHLSUpload", Format: media.HLS}

func TestDirectoriesAreRememberedForAWhile(t *testing.T) {
	state, now := t.TempDir(), time.Now()
	m, err := recall(state, now)
	if err != nil || len(m.entries) > 0 {
		t.Fatal(m, err)
	}
	m.note(hls, Directory{Root: "/a", Group: "g"}, now)
	recordings := config.Upload{Section: "Recordings", Format: media.Recording}
	m.note(recordings, Directory{Root: "/b"}, now.Add(-rememberedFor))
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if m, err = recall(state, now); err != nil || len(m.entries) != 1 || m.entries[0].Dir != "/a" || m.entries[0].Flat {
		t.Errorf("%+v, %v", m.entries, err)
	}

	// Each look names the directories again: that is no reason to write.
	if err := os.Remove(m.path); err != nil {
		t.Fatal(err)
	}
	m.note(hls, Directory{Root: "/a", Group: "g"}, now.Add(time.Minute))
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(m.path); !os.IsNotExist(err) {
		t.Errorf("it was written: %v", err)
	}
	m.note(hls, Directory{Root: "/a", Group: "g"}, now.Add(rememberedFor/2))
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if m, err = recall(state, now.Add(rememberedFor)); err != nil || len(m.entries) != 1 {
		t.Errorf("forgotten although it was named since: %+v, %v", m.entries, err)
	}
}

func TestBrokenNoteIsLoggedAndReplaced(t *testing.T) {
	state := t.TempDir()
	m, _ := recall(state, time.Now())
	if err := os.WriteFile(m.path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := recall(state, time.Now())
	if err == nil {
		t.Error("nothing is logged")
	}
	m.note(hls, Directory{Root: "/a", Group: "g"}, time.Now())
	if err := m.save(); err != nil {
		t.Fatal(err)
	}
	if m, err = recall(state, time.Now()); err != nil || len(m.entries) != 1 {
		t.Errorf("%+v, %v", m.entries, err)
	}
}

func TestManifestsMayTakeAThirdOfTheMemoryLimit(t *testing.T) {
	for limit, want := range map[int64]int{400 << 20: 400 << 20 / 3, 2 << 30: 2 << 30 / 3, math.MaxInt64: 0} {
		if got := manifestMemory(limit); got != want {
			t.Errorf("of %d bytes, manifests may take %d, want %d", limit, got, want)
		}
	}
}
