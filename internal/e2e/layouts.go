package e2e

import (
	"ems-sidecar/media"
	"path"
	"strings"
	"testing"
)

// Layouts are those of the recording's directories.
var Layouts = map[string]media.Layout{
	"hls":  {Format: media.HLS},
	"hds":  {Format: media.HDS, Bootstrap: "bootstrap"},
	"dash": {Format: media.DASH},
	"mss":  {Format: media.MSS},
}

// LayoutOf returns the layout of a path whose first directory is named after a format, perhaps with
// a number.
func LayoutOf(p string) media.Layout {
	top, _, _ := strings.Cut(p, "/")
	return Layouts[strings.TrimRight(top, "0123456789")]
}

// NamedBy returns the keys that the manifest names.
func NamedBy(t *testing.T, key string, content []byte) (keys []string) {
	t.Helper()
	m, err := parse(key, content)
	if err != nil {
		t.Errorf("%s is published cut: %v", key, err)
	}
	return named(key, m)
}

// named returns the keys that the manifest under key names.
func named(key string, m media.Manifest) (keys []string) {
	for ref := range m.References() {
		keys = append(keys, path.Join(path.Dir(key), ref.URI))
	}
	return keys
}
