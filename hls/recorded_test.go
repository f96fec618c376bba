package hls

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"ems-sidecar/media"
)

func ems(t testing.TB, name string) *Playlist {
	t.Helper()
	b, err := os.ReadFile("testdata/ems/" + name + ".m3u8")
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(b))
}

// What EMS wrote before an encoder dropped, and some time after it had returned.
func TestRecordedReconnects(t *testing.T) {
	for _, name := range []string{"rolling", "aes", "appending"} {
		before, after := ems(t, name+"-before").WithoutEnd(), ems(t, name+"-after")
		var v viewer
		v.poll(string(before.Bytes()), false, false)
		shown := before
		for n := range after.Segments { // as the new run grew
			run := *after.changed()
			run.Segments = after.Segments[:n+1]
			next, join := Continue(shown, &run, Situation{Watched: true})
			if want := Same; n == 0 && join != Seam || n > 0 && join != want {
				t.Fatalf("%s: segment %d of the new run is a %v", name, n, join)
			}
			checkRoundTrip(t, next)
			v.poll(string(next.Bytes()), false, false)
			shown = next
		}
		if len(v.problems) > 0 || shown.Last() != before.Last()+uint64(len(after.Segments)) {
			t.Errorf("%s: %v in\n%s", name, v.problems, shown.Bytes())
		}
	}
}

// With hlsResume=1, EMS goes on numbering, and writes the discontinuity itself.
func TestStreamThatResumesIsPublishedAsItIs(t *testing.T) {
	before, after := ems(t, "resume-before"), ems(t, "resume-after")
	if p, join := Continue(before.WithoutEnd(), after, Situation{Watched: true}); p != after || join != Same {
		t.Errorf("%v\n%s", join, p.Bytes())
	}
}

// The recorded stream of half a minute, which never reconnected.
func TestRecordedStreamIsPublishedAsItIs(t *testing.T) {
	all := recorded(t)
	var names []string
	for name := range all {
		if strings.Contains(name, "_live1_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var shown *Playlist
	for _, name := range names {
		run := mustParse(t, string(all[name]))
		p, join := Continue(reparsed(t, shown), run, Situation{})
		if !bytes.Equal(p.Bytes(), all[name]) || shown != nil && join != Same {
			t.Fatalf("%s: %v\n%s", name, join, p.Bytes())
		}
		shown = p
	}
	if len(names) < 10 {
		t.Errorf("only %d recordings", len(names))
	}
}

// R8: the tail of an appending list ends where the list would name more than a playlist may.
func TestR8AppendingListsAreBounded(t *testing.T) {
	list := func(name string, n int, line string) *Playlist {
		return mustParse(t, "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-TARGETDURATION:2\n"+numbered(name, n, line))
	}
	for line, most := range map[string]int{"": 50_000, "#EXT-X-KEY:METHOD=AES-128,URI=\"$.key\",IV=0x1\n": 25_000, "#EXT-X-MAP:URI=\"$.mp4\"\n": 25_000} {
		shown, run := list("a", most-10, line), list("b", 100, line)
		p, join := Continue(shown, run, Situation{Watched: true})
		m, err := media.ParsePlaylist(p.Bytes())
		if err != nil || join != Seam {
			t.Fatalf("%q: %v %v", line, join, err)
		}
		if len(p.Segments) < most*9/10 || len(p.Segments) > most || m.Last != uint64(most+89) {
			t.Errorf("%q: %d segments, the last is %d", line, len(p.Segments), m.Last)
		}
		checkRoundTrip(t, p)
		if next, join := Continue(p, list("b", 101, line), Situation{}); join != Same || next.Last() != uint64(most+90) {
			t.Errorf("%q: then %v, the last is %d", line, join, next.Last())
		}
	}
}

// numbered returns n segments. $ in line is the number.
func numbered(name string, n int, line string) string {
	var b strings.Builder
	for i := range n {
		number := uint64String(uint64(i))
		b.WriteString(strings.ReplaceAll(line, "$", name+number))
		b.WriteString("#EXTINF:2.000,\n" + name + number + ".ts\n")
	}
	return b.String()
}
