package hooks_test

import (
	"os"
	"strings"
	"testing"

	"ems-sidecar/hooks"
)

// The recordings have each type of event that EMS was seen to send, a file each.
func TestEachRecordedEventOfAWholeFileIsWanted(t *testing.T) {
	files, err := os.ReadDir("../testdata/events")
	if err != nil {
		t.Fatal(err)
	}
	recorded := make(map[string]bool)
	for _, f := range files {
		if typ, ok := strings.CutSuffix(f.Name(), ".json"); ok {
			recorded[typ] = true
		}
	}
	hints := 0
	for _, typ := range hooks.EventTypes() {
		if name := string(typ); namesWholeFile(name) {
			hints++
			if !recorded[name] {
				t.Errorf("%s is not a type that EMS was seen to send", name)
			}
			delete(recorded, name)
		}
	}
	if hints == 0 {
		t.Error("no event that names a file is wanted")
	}
	for typ := range recorded {
		if namesWholeFile(typ) {
			t.Errorf("%s names a file, and is not wanted", typ)
		}
	}
}

func namesWholeFile(typ string) bool {
	return strings.HasSuffix(typ, "ChunkClosed") || strings.HasSuffix(typ, "PlaylistUpdated")
}
