package emswriter

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// start is when the recorded stream's first picture was taken.
var start = time.Date(2026, 11, 22, 8, 9, 36, 457e6, time.UTC)

func record(t *testing.T, h *HLS, chunks int) {
	t.Helper()
	h.Now = func() time.Time { return start }
	if err := h.Start(); err != nil {
		t.Fatal(err)
	}
	for n := range chunks {
		if n > 0 {
			if err := h.Next(4 * time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.Write(make([]byte, 3*packet)); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func chunks(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.ts"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRollingPlaylistIsAsRecorded(t *testing.T) {
	h := &HLS{Dir: t.TempDir()}
	record(t, h, 8) // seven are closed
	want := "#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-ALLOW-CACHE:NO\r\n#EXT-X-TARGETDURATION:4\r\n" +
		"#EXT-X-MEDIA-SEQUENCE:3\r\n#EXT-X-PROGRAM-DATE-TIME:2026-11-22T08:09:44.457+00:00\r\n"
	for n := 3; n <= 7; n++ {
		want += fmt.Sprintf("#EXTINF:4.000,\r\nsegment_%d_%d.ts\r\n", start.UnixMilli(), n)
	}
	if got := read(t, h.Playlist()); got != want {
		t.Errorf("playlist is\n%q\nwant\n%q", got, want)
	}
}

func TestFirstRollingPlaylistHasTheRecordedSize(t *testing.T) {
	h := &HLS{Dir: t.TempDir()}
	record(t, h, 2)
	if got := len(read(t, h.Playlist())); got != 200 {
		t.Errorf("playlist has %d bytes, want 200", got)
	}
}

func TestRollingKeepsListedStaleAndOpenChunks(t *testing.T) {
	h := &HLS{Dir: t.TempDir(), List: 5, Stale: 3}
	record(t, h, 20)
	if got := len(chunks(t, h.Dir)); got != 5+3+1 {
		t.Errorf("%d chunks on disk, want 9", got)
	}
}

func TestAppendingPlaylistHasTheRecordedSizes(t *testing.T) {
	h := &HLS{Dir: t.TempDir(), Appending: true}
	record(t, h, 76)
	if got := len(read(t, h.Playlist())); got != 3527 {
		t.Errorf("playlist has %d bytes, want 3527", got)
	}
	if err := h.Next(4 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := h.End(3465 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	got := read(t, h.Playlist())
	if len(got) != 3631 || !strings.HasSuffix(got, "#EXT-X-ENDLIST\r\n") {
		t.Errorf("last playlist has %d bytes, want 3631, and ends in %q", len(got), got[len(got)-20:])
	}
	if got := len(chunks(t, h.Dir)); got != 77 {
		t.Errorf("%d chunks on disk, want 77", got)
	}
}

func TestEndAppendsToRollingPlaylist(t *testing.T) {
	h := &HLS{Dir: t.TempDir()}
	record(t, h, 3)
	if err := h.End(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	got := read(t, h.Playlist())
	if !strings.HasSuffix(got, "#EXTINF:2.000,\r\n"+filepath.Base(h.Chunk())+"\r\n#EXT-X-ENDLIST\r\n") {
		t.Errorf("playlist is %q", got)
	}
	if _, err := h.Write([]byte{1}); err == nil {
		t.Error("a write after the end succeeded")
	}
	if _, err := os.Stat(h.Playlist() + ".tmp"); !os.IsNotExist(err) {
		t.Errorf("the temporary playlist is still there: %v", err)
	}
}

func TestRestartBeginsAgainWithNewNames(t *testing.T) {
	for _, cleanup := range []bool{false, true} {
		h := &HLS{Dir: t.TempDir(), Appending: true, Cleanup: cleanup}
		record(t, h, 3)
		old := chunks(t, h.Dir)
		if err := h.End(time.Second); err != nil {
			t.Fatal(err)
		}
		h.Now = func() time.Time { return start.Add(time.Minute) }
		if err := h.Start(); err != nil {
			t.Fatal(err)
		}
		if err := h.Next(time.Second); err != nil {
			t.Fatal(err)
		}
		got := read(t, h.Playlist())
		if !strings.Contains(got, "MEDIA-SEQUENCE:1\r\n") || strings.Count(got, "#EXTINF") != 1 {
			t.Errorf("playlist is %q", got)
		}
		kept := slices.Contains(chunks(t, h.Dir), old[0])
		if kept == cleanup {
			t.Errorf("cleanup %v: old chunks are kept: %v", cleanup, kept)
		}
	}
}

func TestKeyIsWrittenAndNamed(t *testing.T) {
	h := &HLS{Dir: t.TempDir(), Key: []byte("0123456789abcdef")}
	record(t, h, 2)
	name := fmt.Sprintf("%d.key", start.UnixMilli())
	if got := read(t, filepath.Join(h.Dir, name)); got != string(h.Key) {
		t.Errorf("key is %q", got)
	}
	if got := read(t, h.Playlist()); !strings.Contains(got, `#EXT-X-KEY:METHOD=AES-128,URI="`+name+`"`) {
		t.Errorf("playlist is %q", got)
	}
}

func TestMasterIsAsRecorded(t *testing.T) {
	group := filepath.Join(t.TempDir(), "g")
	if err := Master(group, Variant{Stream: "live1", Bandwidth: 198000, Resolution: "320x180"}); err != nil {
		t.Fatal(err)
	}
	want := "#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=198000,RESOLUTION=320x180\r\nlive1/playlist.m3u8\r\n"
	if got := read(t, filepath.Join(group, "playlist.m3u8")); got != want {
		t.Errorf("master is %q, want %q", got, want)
	}
}

func TestHLSIsWrittenAsRecorded(t *testing.T) {
	tr := newTrace(t.TempDir())
	h := &HLS{Dir: filepath.Join(tr.root, "hls/g/live1"), disk: tr.disk()}
	h.Now = func() time.Time { return time.UnixMilli(1795334975196) }
	must(t, h.Start())
	for range 18 {
		must(t, h.Next(4*time.Second))
	}
	diff(t, tr.events, recorded(t, "live/fs-events.tsv", "^hls/g/live1/"))
}

func TestHLSEndsAndComesBackAsRecorded(t *testing.T) {
	for kind, run := range map[string]struct {
		start  int64 // Unix ms, as the chunks' names have it
		chunks int
	}{
		"roll": {1795333309777, 76},
		"app":  {1795333309897, 77},
	} {
		tr := newTrace(t.TempDir())
		h := &HLS{
			Dir:       filepath.Join(tr.root, "hls_"+kind, "hls"+kind, "test1"),
			Appending: kind == "app",
			Cleanup:   true,
			disk:      tr.disk(),
		}
		h.Now = func() time.Time { return time.UnixMilli(run.start) }
		must(t, h.Start())
		for range run.chunks - 1 {
			must(t, h.Next(4*time.Second))
		}
		must(t, h.End(3*time.Second))
		want := recorded(t, "end/fs-events.txt", "^hls_"+kind)
		diff(t, tail(tr.events, len(want)), want)
		if kind == "roll" {
			continue // did not come back
		}
		ended := len(tr.events)
		h.Now = func() time.Time { return time.UnixMilli(1795333673225) }
		must(t, h.Start())
		for range 4 {
			must(t, h.Next(4*time.Second))
		}
		diff(t, tr.since(ended), recorded(t, "reconnect/fs-events.txt", "^hls_app/hlsapp/test1/"))
	}
}

// A server that is killed leaves the playlist as it was, empty, absent or new, and starts again.
func TestServerCanBeKilledBeforeEachCall(t *testing.T) {
	for _, appending := range []bool{false, true} {
		left := map[string]bool{}
		for calls := 0; ; calls++ {
			h := &HLS{Dir: t.TempDir(), Appending: appending}
			record(t, h, 3)
			before := read(t, h.Playlist())
			h.KillAfter(calls)
			err := h.Next(4 * time.Second)
			if err == nil {
				break
			}
			if !errors.Is(err, ErrKilled) {
				t.Fatal(err)
			}
			must(t, h.Abandon())
			playlist, err := os.ReadFile(h.Playlist())
			switch {
			case errors.Is(err, fs.ErrNotExist):
				left["none"] = true
			case len(playlist) == 0:
				left["empty"] = true
			case string(playlist) == before:
				left["before"] = true
			default:
				left["new"] = true
			}
			record(t, h, 2)
			if playlist := read(t, h.Playlist()); strings.Count(playlist, "#EXTINF") != 1 {
				t.Errorf("killed after %d calls, it starts again with:\n%s", calls, playlist)
			}
		}
		want := map[string]bool{"before": true, "empty": true, "new": true}
		if appending {
			want["none"] = true
		}
		if !maps.Equal(left, want) {
			t.Errorf("appending %v: the playlist was left %v", appending, left)
		}
	}
}
