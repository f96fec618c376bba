package emswriter

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"ems-sidecar/media"
)

// playMSS writes chunks with these times (Unix ms), the last of which are open.
func playMSS(t *testing.T, s *MSS, times []int) {
	t.Helper()
	s.Now = func() time.Time { return time.UnixMilli(int64(times[0]) + 467) }
	must(t, s.Start())
	must(t, s.First(Content(80000, "video 0"), Content(80000, "audio 0")))
	for i, at := range times[1:] {
		video, audio := Content(80000, fmt.Sprint("video ", i+1)), Content(80000, fmt.Sprint("audio ", i+1))
		must(t, s.Next(milliseconds(at-times[i]), video, audio))
	}
}

func TestMSSIsWrittenAsRecorded(t *testing.T) {
	want := recorded(t, "live/fs-events.tsv", "^mss/")
	tr := newTrace(t.TempDir())
	s := &MSS{Dir: filepath.Join(tr.root, "mss/g/live1"), disk: tr.disk()}
	playMSS(t, s, times(t, want, `CREATE .*/(\d+)\.fmp4`))
	diff(t, tr.events, want)
	sameVersions(t, tr.versions["mss/g/manifest.ismc"], "mss__g__manifest.ismc")
}

func TestMSSEndsAndComesBackAsRecorded(t *testing.T) {
	// Sizes of the manifest; those of a rolling one were seen after 13 chunks or more.
	sizes := map[string][]int{"app": {5745, 5796, 5847}, "roll": {1377, 1428, 1377, 1428, 1377}}
	for kind, want := range sizes {
		t.Run(kind, func(t *testing.T) {
			prefix := fmt.Sprintf("^mss_%s/", kind)
			old := recorded(t, "reconnect/fs-events.txt", "^mss_app/") // deletes all chunks
			tr := newTrace(t.TempDir())
			s := &MSS{
				Dir:       filepath.Join(tr.root, "mss_"+kind, "mss"+kind, "test1"),
				Appending: kind == "app",
				Cleanup:   true,
				disk:      tr.disk(),
			}
			playMSS(t, s, times(t, old, `DELETE .*/(\d+)\.fmp4`))
			must(t, s.End(5400*time.Millisecond))
			events := recorded(t, "end/fs-events.txt", prefix)
			diff(t, tail(tr.events, len(events)), events)
			var got []int
			for _, version := range tr.versions[fmt.Sprintf("mss_%s/mss%[1]s/manifest.ismc", kind)] {
				got = append(got, len(version))
			}
			if got = got[len(got)-len(want):]; !slices.Equal(got, want) {
				t.Errorf("the last manifests have %d bytes, want %d", got, want)
			}

			ended := len(tr.events)
			events = recorded(t, "reconnect/fs-events.txt", prefix)
			playMSS(t, s, times(t, events, `CREATE .*/(\d+)\.fmp4`))
			diff(t, tr.since(ended), events)
		})
	}
}

func TestMSSChunkGetsItsLookAheadAtTheThirdClosing(t *testing.T) {
	tr := newTrace(t.TempDir())
	s := &MSS{Dir: filepath.Join(tr.root, "g/s"), disk: tr.disk()}
	playMSS(t, s, []int{6000, 12000, 18000, 24000, 30000})
	must(t, s.End(6*time.Second))
	for _, kind := range []string{"video", "audio"} {
		for i, at := range []int{6000, 12000, 18000, 24000, 30000} {
			name := fmt.Sprintf("g/s/%s/198000/%d.fmp4", kind, at)
			content := Content(80000, fmt.Sprintf("%s %d", kind, i))
			without := WithoutLookAhead(content, kind == "video")
			if string(without) == string(content) || len(without) != len(content) {
				t.Fatal("a content without look-ahead is the same, or of another size")
			}
			want := [][]byte{nil, without, content}
			if i > 2 {
				want = want[:2] // the last two never get it
			}
			versions := tr.versions[name]
			if len(versions) != len(want) {
				t.Fatalf("%s was closed %d times, want %d", name, len(versions), len(want))
			}
			if size := map[string]int{"video": 69292, "audio": 69548}[kind]; len(versions[0]) != size {
				t.Errorf("%s begins with %d bytes, want %d", name, len(versions[0]), size)
			}
			if tfxd := versions[0][len(versions[0])-24 : len(versions[0])-8]; string(tfxd) != string(make([]byte, 16)) {
				t.Errorf("%s has a time and a duration from the beginning: %x", name, tfxd)
			}
			for n := 1; n < len(want); n++ {
				if string(versions[n]) != string(want[n]) {
					t.Errorf("%s has another content than expected at closing %d", name, n+1)
				}
			}
		}
	}
}

// The recorded manifest of a group has the times of one stream for all bitrates; it was seen to
// come before the last change of the other stream's chunk.
func TestMSSGroupsManifestComesBeforeTheLastChangeOfTheOthersChunk(t *testing.T) {
	tr := newTrace(t.TempDir())
	group := []*MSS{
		{Dir: filepath.Join(tr.root, "g/s2"), Bitrate: 400000, Bitrates: []int{200000, 400000}, disk: tr.disk()},
		{Dir: filepath.Join(tr.root, "g/s1"), Bitrate: 200000, Bitrates: []int{200000, 400000}, disk: tr.disk()},
	}
	for _, s := range group {
		s.Now = func() time.Time { return time.UnixMilli(6467) }
		must(t, s.Start())
		must(t, s.First(Content(80000, "first"), Content(80000, "first")))
	}
	chunk := "g/200000/video/6000.fmp4"
	for range 2 {
		for _, s := range group {
			must(t, s.Next(6*time.Second, Content(80000, "next"), Content(80000, "next")))
		}
	}
	must(t, group[0].Next(6*time.Second, Content(80000, "next"), Content(80000, "next")))
	manifest := read(t, group[0].Manifest())
	m, err := media.ParseISMC([]byte(manifest))
	must(t, err)
	var named []string
	for r := range m.References() {
		named = append(named, "g/"+r.URI)
	}
	want := []string{chunk, "g/400000/video/6000.fmp4", "g/200000/audio/6000.fmp4", "g/400000/audio/6000.fmp4"}
	if !slices.Equal(named, want) {
		t.Errorf("the manifest names %q, want %q", named, want)
	}
	if n := len(tr.versions[chunk]); n != 2 {
		t.Errorf("the other stream's chunk was closed %d times before, want 2", n)
	}
	must(t, group[1].Next(6*time.Second, Content(80000, "next"), Content(80000, "next")))
	if n := len(tr.versions[chunk]); n != 3 {
		t.Errorf("the other stream's chunk was closed %d times in the end, want 3", n)
	}
	recorded := read(t, "../../testdata/ismc/group.ismc")
	attributes := regexp.MustCompile(`<[^c].*?>`)
	levels := regexp.MustCompile(` (CodecPrivateData|Chunks|MaxHeight|MaxWidth)=".*?"`)
	plain := func(s string) []string { return attributes.FindAllString(levels.ReplaceAllString(s, ""), -1) }
	if got, want := plain(manifest), plain(recorded); !slices.Equal(got, want) {
		t.Errorf("the manifest is\n%q, recorded was\n%q", got, want)
	}
}

func TestMSSLookAheadIsTakenFromThePadding(t *testing.T) {
	const free = mssTrun + 20 + 3*entrySize
	head := make([]byte, mssVideoHead)
	sized := func(at, size int, kind string) {
		binary.BigEndian.PutUint32(head[at:], uint32(size))
		copy(head[at+4:], kind)
	}
	tfxd := mssVideoHead - mdatHeader - mssTfxd
	sized(0, mssVideoHead-mdatHeader, "moof")
	sized(mssTrun, free-mssTrun, "trun")
	sized(free, tfxd-mssTfrf-free, "free")
	sized(tfxd-mssTfrf, mssTfrf, "uuid")
	sized(tfxd, mssTfxd, "uuid")
	sized(mssVideoHead-mdatHeader, 1000, "mdat")
	content := append(head, Content(1000, "media")...)

	got := WithoutLookAhead(content, true)
	if size := int(binary.BigEndian.Uint32(got[free:])); free+size != tfxd {
		t.Errorf("the padding has %d bytes and does not reach tfxd", size)
	}
	for at, b := range got[tfxd-mssTfrf : tfxd] {
		if b != padding {
			t.Fatalf("byte %d of the look-ahead is %q, want padding", at, b)
		}
	}
	if string(got[tfxd:]) != string(content[tfxd:]) {
		t.Error("what is behind the look-ahead has changed")
	}

	s := &MSS{Dir: filepath.Join(t.TempDir(), "g/s")}
	must(t, s.Start())
	must(t, s.First(content, nil))
	name := s.VideoChunk()
	must(t, s.Next(6*time.Second, nil, nil))
	if read(t, name) != string(got) {
		t.Error("the chunk has its look-ahead when it ends")
	}
	must(t, s.Next(6*time.Second, nil, nil))
	must(t, s.Next(6*time.Second, nil, nil))
	if read(t, name) != string(content) {
		t.Error("the chunk does not have its look-ahead after two more")
	}
}
