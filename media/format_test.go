package media

import (
	"testing"
	"time"
)

func TestEveryFormatIsAWholeRow(t *testing.T) {
	names := make(map[string]Format)
	for _, f := range Formats() {
		row := f.row()
		for _, name := range []string{f.String(), f.Section(), f.OlderSection()} {
			if other, taken := names[name]; name == "" || taken && other != f {
				t.Errorf("%s: the name %q is empty, or that of %s, too", f, name, other)
			}
			names[name] = f
		}
		for _, ext := range append(row.manifests, row.chunks...) {
			if contentTypes[ext] == "" {
				t.Errorf("%s: %q has no content type", f, ext)
			}
		}
		manifests, chunks := len(row.manifests), len(row.chunks)
		if chunks == 0 && row.fragments == nil {
			t.Errorf("%s has no chunks", f)
		}
		if f.IsRecorded() != (manifests == 0) {
			t.Errorf("%s: recordings are what no manifest names: it has %d kinds of them", f, manifests)
		}
		if manifests > 0 && (row.parse == nil || row.rows == nil) {
			t.Errorf("%s has manifests that cannot be read", f)
		}
	}
	if len(EMS) != len(formats) {
		t.Errorf("the traits of %d formats are known, of %d", len(EMS)-1, len(formats)-1)
	}
}

func TestUnknownFormatHasNoFiles(t *testing.T) {
	for _, f := range []Format{0, Format(len(formats)), 255} {
		l := Layout{Format: f, Bootstrap: "bootstrap"}
		if k := l.Kind("g/s/bootstrap"); k.Role != OtherFile || f.String() != "unknown format" || f.Section() != "" {
			t.Errorf("format %d: %+v, %q, %q", f, k, f, f.Section())
		}
		if _, err := l.Parse("a.m3u8", nil); err == nil || l.Stream("g/video/1/a.ts") != "g/video/1" || l.Unfinished("a.mp4") != nil {
			t.Errorf("format %d has files", f)
		}
		if step, tracks := f.Rows(Manifest{}); step != 0 || tracks != 0 {
			t.Errorf("format %d has rows", f)
		}
	}
}

func TestRows(t *testing.T) {
	for name, c := range map[string]struct {
		format       Format
		manifest     Manifest
		step, tracks uint64
	}{
		"playlist":                   {HLS, Manifest{Segments: 5, Sequence: 7, Last: 11}, 1, 1},
		"playlist with parts":        {HLS, Manifest{Segments: 20, Sequence: 7, Last: 11}, 1, 1},
		"F4M of one media":           {HDS, Manifest{Segments: 5, Sequence: 12, Last: 16}, 1, 1},
		"F4M of two media":           {HDS, Manifest{Segments: 10, Sequence: 12, Last: 16}, 1, 2},
		"video and audio":            {DASH, Manifest{Segments: 10, Sequence: 0, Last: 16000, TargetDuration: 4 * time.Second}, 4000, 2},
		"segments that are too long": {DASH, Manifest{Segments: 10, Sequence: 0, Last: 16040, TargetDuration: 4 * time.Second}, 4010, 2},
		"one segment of two tracks":  {MSS, Manifest{Segments: 2, Sequence: 6000, Last: 6000, TargetDuration: 4 * time.Second}, 4000, 2},
		"no duration":                {MSS, Manifest{Segments: 2, Sequence: 6000, Last: 10000}, 0, 0},
		"recording":                  {Recording, Manifest{}, 0, 0},
	} {
		if step, tracks := c.format.Rows(c.manifest); step != c.step || tracks != c.tracks {
			t.Errorf("%s: %d rows, %d apart; want %d, %d apart", name, tracks, step, c.tracks, c.step)
		}
	}
}

func TestCut(t *testing.T) {
	playlist := []byte("#EXTM3U\n#EXTINF:4,\n1.ts\n#EXTINF:4,\n2.ts\n#EXT-X-ENDLIST\n")
	gone := func(uri string) bool { return uri == "2.ts" }
	for _, f := range Formats() {
		cut, n := Layout{Format: f}.Cut(playlist, gone)
		want := ""
		if f == HLS {
			want = "#EXTM3U\n#EXTINF:4,\n1.ts\n#EXT-X-ENDLIST\n"
		}
		if string(cut) != want || (n == 1) != (f == HLS) {
			t.Errorf("%s: %d segments are gone, %q stays", f, n, cut)
		}
	}
}
