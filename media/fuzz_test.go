package media

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// addRecordings adds all files of one kind as seeds.
func addRecordings(f *testing.F, dir string) {
	files, err := filepath.Glob(filepath.Join("../testdata", dir, "*"))
	if err != nil || len(files) == 0 {
		f.Fatal("no recordings in ", dir, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// within parses b and checks that this takes no more memory than a small multiple of its size.
func within(t *testing.T, b []byte, parse func([]byte) (Manifest, error)) (m Manifest, err error) {
	limit := uint64(200*len(b) + 64<<10)
	var allocated uint64
	for range 3 { // other goroutines allocate, too
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err = parse(b)
		runtime.ReadMemStats(&after)
		if allocated = after.TotalAlloc - before.TotalAlloc; allocated <= limit {
			return m, err
		}
	}
	t.Errorf("%d bytes allocated for %d bytes of input", allocated, len(b))
	return m, err
}

// checkNames checks the first references of m: that none leads out of the root, and that the segments among
// them are as many as m counts.
func checkNames(t *testing.T, m Manifest) {
	const few = 10_000
	names, segments := 0, 0
	for r := range m.References() {
		if names++; r.Segment {
			segments++
		}
		if names <= 1000 {
			literal, decoded, _ := Resolve("g/s", r.URI)
			for _, path := range []string{literal, decoded} {
				if path != "" && (path == ".." || strings.HasPrefix(path, "../") || strings.HasPrefix(path, "/")) {
					t.Errorf("%q leads to %q, out of the root", r.URI, path)
				}
			}
		}
		if names > 1000 && m.Segments > few || segments > few {
			break
		}
	}
	if m.Segments < 0 || m.Segments <= few && segments != m.Segments {
		t.Errorf("%d segments among the references, %d counted", segments, m.Segments)
	}
}
