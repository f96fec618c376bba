package archive

import (
	"maps"
	"slices"
	"testing"

	"ems-sidecar/hls"
)

func sorted(objects map[string]string) []string { return slices.Sorted(maps.Keys(objects)) }

// parsed returns a version with a text.
func parsed(t *testing.T, text string) Version {
	t.Helper()
	list, err := hls.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Version{List: list, Chunks: map[string]Chunk{}, At: noon}
}
