package media_test

import (
	"slices"
	"testing"

	"ems-sidecar/media"
)

func TestAnAddressMayMeanAFileBesideTheManifestOrBelow(t *testing.T) {
	for uri, want := range map[string][]string{
		"https://cdn.example.com/live/low/s0.ts?token=a/b": {"g/live/low/s0.ts", "g/low/s0.ts", "g/s0.ts"},
		"//cdn.example.com/a%20b.ts":                       {"g/a b.ts"},
		"/live/s0.ts":                                      {"g/live/s0.ts", "g/s0.ts"},
		"file:///var/www/s0.ts":                            {"g/var/www/s0.ts", "g/www/s0.ts", "g/s0.ts"},
		`C:\live\s0.ts`:                                    {"g/C:/live/s0.ts", "g/live/s0.ts", "g/s0.ts"},
		"/../../s0.ts":                                     {"g/s0.ts"}, // never above the directory
		"s0.ts":                                            nil,
		"../s0.ts":                                         nil,
		"https://cdn.example.com/live/":                    nil,
		"https://cdn.example.com":                          nil,
		"data:text/plain;base64,AAAA":                      nil,
		"urn:uuid:1":                                       nil,
		"/\x00/s0.ts":                                      nil,
	} {
		var got []string
		if a, ok := media.AddressOf("g", uri); ok {
			for _, p := range a.Files() {
				got = append(got, p)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
}

func TestPathsOnTheHostAreNoAddressesOfPlayers(t *testing.T) {
	for uri, want := range map[string]bool{
		"/srv/live/g/s0.ts": true, "file:///x/s0.ts": true, `D:\live\s0.ts`: true, "C:/live/s0.ts": true,
		"/live/s0.ts": false, "/srv/live2/s0.ts": false, "https://h/s0.ts": false, "s0.ts": false, "a://h/s0.ts": false,
	} {
		if got := media.IsHostPath("/srv/live", uri); got != want {
			t.Errorf("%s: %v, want %v", uri, got, want)
		}
	}
}
