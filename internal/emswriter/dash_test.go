package emswriter

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// times returns the times in the names of recorded files, ascending.
func times(t *testing.T, events []string, pattern string) []int {
	t.Helper()
	var all []int
	for _, s := range numbers(t, events, pattern) {
		n, err := strconv.Atoi(s)
		must(t, err)
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// playDASH writes chunks whose audio has these times, the last of which is open. Video lasts 4 s.
func playDASH(t *testing.T, s *DASH, audio []int) {
	t.Helper()
	must(t, s.Start())
	must(t, s.First(Content(80000, "video 0"), Content(80000, "audio 0")))
	for i, at := range audio[1:] {
		must(t, s.NextVideo(4*time.Second, Content(80000, fmt.Sprint("video ", i+1))))
		must(t, s.NextAudio(milliseconds(at-audio[i]), Content(80000, fmt.Sprint("audio ", i+1))))
	}
}

func TestDASHIsWrittenAsRecorded(t *testing.T) {
	want := recorded(t, "live/fs-events.tsv", "^dash/")
	tr := newTrace(t.TempDir())
	s := &DASH{
		Dir:  filepath.Join(tr.root, "dash/g/live1"),
		Now:  func() time.Time { return time.Date(2026, 11, 22, 8, 9, 35, 453e6, time.UTC) },
		disk: tr.disk(),
	}
	playDASH(t, s, times(t, want, `CREATE .*/audio/198000/segment_(\d+)`))
	diff(t, tr.events, want)
	sameVersions(t, tr.versions["dash/g/manifest.mpd"], "dash__g__manifest.mpd")
}

// oldAudio returns the times of all audio chunks of the stream of end/, which reconnect/ deletes.
func oldAudio(t *testing.T) []int {
	return times(t, recorded(t, "reconnect/fs-events.txt", "^dash_app/"), `DELETE .*/audio/198000/segment_(\d+)`)
}

func TestDASHEndsAndComesBackAsRecorded(t *testing.T) {
	tr := newTrace(t.TempDir())
	s := &DASH{Dir: filepath.Join(tr.root, "dash_app/dashapp/test1"), Appending: true, Cleanup: true, disk: tr.disk()}
	playDASH(t, s, oldAudio(t))
	must(t, s.End(1494*time.Millisecond, 180*time.Millisecond))
	want := recorded(t, "end/fs-events.txt", "^dash_app/")
	diff(t, tail(tr.events, len(want)), want)
	var sizes []int
	for _, version := range tr.versions["dash_app/dashapp/manifest.mpd"] {
		sizes = append(sizes, len(version))
	}
	if got, want := sizes[len(sizes)-5:], []int{9031, 9129, 9227, 9324 - 49, 9324}; !slices.Equal(got, want) {
		t.Errorf("the last manifests have %d bytes, want %d", got, want)
	}

	ended := len(tr.events)
	want = recorded(t, "reconnect/fs-events.txt", "^dash_app/")
	playDASH(t, s, times(t, want, `CREATE .*/audio/198000/segment_(\d+)`))
	diff(t, tr.since(ended), want)
}

func TestRemovedDASHIsClosedAsRecorded(t *testing.T) {
	tr := newTrace(t.TempDir())
	s := &DASH{Dir: filepath.Join(tr.root, "dash_roll/dashroll/test1"), disk: tr.disk()}
	audio := oldAudio(t)
	playDASH(t, s, audio[:len(audio)-1])
	must(t, s.Remove())
	want := recorded(t, "end/fs-events.txt", "^dash_roll/")
	diff(t, tail(tr.events, len(want)), want)
	versions := tr.versions["dash_roll/dashroll/manifest.mpd"]
	if got := len(versions[len(versions)-2]); got != 2331+49 {
		t.Errorf("the first of two manifests has %d bytes, want 2380", got)
	}
	if got := len(versions[len(versions)-1]); got != 2331 {
		t.Errorf("the last manifest has %d bytes, want 2331", got)
	}
}

func TestDASHChunksGrowFromADraftToTheirContent(t *testing.T) {
	tr := newTrace(t.TempDir())
	s := &DASH{Dir: filepath.Join(tr.root, "g/s"), VideoInit: Content(700, "init"), disk: tr.disk()}
	must(t, s.Start())
	video, audio := Content(100000, "g/s video 0"), Content(90000, "g/s audio 0")
	must(t, s.First(video, audio))
	must(t, s.WriteVideo(700))
	must(t, s.WriteAudio(150))
	if size := binary.BigEndian.Uint32([]byte(read(t, s.VideoChunk())[dashVideoHead-mdatHeader:])); size != 708 {
		t.Errorf("after a frame of 700 bytes mdat has %d, want 708", size)
	}
	must(t, s.NextVideo(4*time.Second, Content(100000, "g/s video 1")))
	must(t, s.NextAudio(4017*time.Millisecond, Content(90000, "g/s audio 1")))
	for kind, content := range map[string][]byte{"video": video, "audio": audio} {
		versions := tr.versions["g/s/"+kind+"/198000/segment_0.m4s"]
		if len(versions) != 2 {
			t.Fatalf("the %s chunk was closed %d times, want 2", kind, len(versions))
		}
		if size := map[string]int{"video": 69360, "audio": 69616}[kind]; len(versions[0]) != size {
			t.Errorf("the %s chunk begins with %d bytes, want %d", kind, len(versions[0]), size)
		}
		if string(versions[0]) == string(content[:len(versions[0])]) {
			t.Errorf("the %s chunk has no placeholder", kind)
		}
		if string(versions[1]) != string(content) {
			t.Errorf("the closed %s chunk does not have its content", kind)
		}
	}
	if got := read(t, s.VideoSegment()); got != string(Content(700, "init")) {
		t.Errorf("the init segment is %q", got)
	}
	if got, want := s.VideoChunk(), filepath.Join(s.Dir, "video/198000/segment_4000.m4s"); got != want {
		t.Errorf("the open chunk is %s, want %s", got, want)
	}
}

func TestRestartedDASHUsesTheSameNamesWithNewContent(t *testing.T) {
	s := &DASH{Dir: filepath.Join(t.TempDir(), "g/s")}
	playDASH(t, s, []int{0, 4017, 8034})
	must(t, s.Start())
	video, audio := Content(90000, "new video"), Content(80000, "new audio")
	must(t, s.First(video, audio))
	name := s.VideoChunk()
	must(t, s.End(time.Second, time.Second))
	if filepath.Base(name) != "segment_0.m4s" || read(t, name) != string(video) {
		t.Errorf("%s does not have the new content", name)
	}
	if got := s.manifest(); got != read(t, s.Manifest()) || len(s.video.timed) != 1 {
		t.Errorf("manifest is %s", read(t, s.Manifest()))
	}
}
