package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ems-sidecar/internal/s3test"
)

// replace puts an object as a server does: a file of its own takes the name.
func replace(t *testing.T, server *s3test.Server, key, content string) {
	t.Helper()
	Put(t, server.Dir, "new", content)
	Must(t, os.MkdirAll(filepath.Dir(filepath.Join(server.Dir, key)), 0o755))
	Must(t, os.Rename(filepath.Join(server.Dir, "new"), filepath.Join(server.Dir, key)))
}

func TestViewerReadsAManifestAgainOnlyWhenItWasReplaced(t *testing.T) {
	archive, server := NewArchive(t.TempDir()), &s3test.Server{Dir: t.TempDir()}
	v := viewer{NewReferee(t, server, archive), map[string]os.FileInfo{}, map[string]sight{}, map[string]progress{},
		map[string]*setback{}}
	const key = "hls1/live/playlist.m3u8"
	wants := func(known bool, names ...string) {
		t.Helper()
		s, err := v.see(key)
		if err != nil || s.known != known || !slices.Equal(s.names, names) {
			t.Errorf("a viewer sees %v, of a run: %v (%v), want %v, %v", s.names, s.known, err, names, known)
		}
	}
	replace(t, server, key, M3u8("1.ts"))
	wants(false, "hls1/live/1.ts")
	replace(t, server, key, M3u8("1.ts", "2.ts"))
	wants(false, "hls1/live/1.ts", "hls1/live/2.ts")

	remembered := v.read[key]
	remembered.names = []string{"what was read before"}
	v.read[key] = remembered
	wants(false, "what was read before")
	Put(t, archive.root, key, M3u8("1.ts", "2.ts"))
	Must(t, archive.manifest(1, filepath.Join(archive.root, key)))
	wants(true, "what was read before") // the run is asked for until it is known
}

func TestRefereeReadsAChunkAgainOnlyWhenItWasReplaced(t *testing.T) {
	archive, server := NewArchive(t.TempDir()), &s3test.Server{Dir: t.TempDir()}
	r := NewReferee(t, server, archive)
	const key = "hls1/live/1.ts"
	archive.chunk(filepath.Join(archive.root, key), 1, []byte("one"))
	replace(t, server, key, "one")
	wants := func(runs ...int) {
		t.Helper()
		if got, err := r.runsOf(key); err != nil || !slices.Equal(got, runs) {
			t.Errorf("the chunk is of the runs %v (%v), want %v", got, err, runs)
		}
	}
	wants(1)
	l := r.seen[key]
	l.runs = []int{7}
	r.seen[key] = l
	wants(7) // as before, without a look into it
	archive.chunk(filepath.Join(archive.root, key), 2, []byte("two"))
	replace(t, server, key, "two")
	wants(2)
}
