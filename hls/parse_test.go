package hls

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ems-sidecar/media"
)

// recorded are playlists that EMS wrote.
func recorded(t testing.TB) (playlists map[string][]byte) {
	playlists = make(map[string][]byte)
	for _, pattern := range []string{"testdata/ems/*.m3u8", "../testdata/live/manifests/*_live1__playlist.m3u8", "../testdata/m3u8/*.m3u8"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal("no recordings in ", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			playlists[filepath.Base(file)] = b
		}
	}
	delete(playlists, "master.m3u8")
	return playlists
}

func TestWhatIsNotChangedIsTheWritersOwnBytes(t *testing.T) {
	for name, b := range recorded(t) {
		p, err := Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := p.Bytes(); !bytes.Equal(got, b) {
			t.Errorf("%s: is\n%s", name, got)
		}
		if got, join := Continue(nil, p, Situation{}); got != p || join != Fresh {
			t.Errorf("%s: is another one, %v", name, join)
		}
		checkRoundTrip(t, p)
	}
}

// What EMS writes has the order in which we write, so that even a playlist that is put together again
// is the same.
func TestTagsAreKeptByteForByte(t *testing.T) {
	for name, b := range recorded(t) {
		p := mustParse(t, string(b))
		if got := p.changed().Bytes(); !bytes.Equal(got, b) {
			t.Errorf("%s: put together, it is\n%s\nand not\n%s", name, got, b)
		}
	}
}

// Package media decides when a playlist is published; both must see the same in it.
func TestPlaylistsMeanWhatMediaSees(t *testing.T) {
	for name, b := range recorded(t) {
		p := mustParse(t, string(b))
		m, err := media.ParsePlaylist(b)
		if err != nil {
			t.Fatal(err)
		}
		if p.Sequence != m.Sequence || p.Last() != m.Last || p.TargetDuration != m.TargetDuration || p.Ended != m.Ended || len(p.Segments) != m.Segments {
			// media counts each URI once, but byte ranges by themselves.
			t.Errorf("%s: %d to %d, %v, ended %v, %d segments; media sees %+v", name, p.Sequence, p.Last(), p.TargetDuration, p.Ended, len(p.Segments), m)
		}
	}
}

func TestParse(t *testing.T) {
	p := mustParse(t, "\ufeff#EXTM3U\r\n"+
		"#EXT-X-VERSION:6\r\n# made by hand\r\n#EXT-X-TARGETDURATION:2.5\r\n#EXT-X-MEDIA-SEQUENCE:7\r\n#EXT-X-DISCONTINUITY-SEQUENCE:3\r\n"+
		"#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"a,b.key\",KEYFORMAT=\"x\"\r\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"5@6\"\r\n"+
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-29T12:26:16.5Z\r\n#EXTINF:2.25,title\r\n#EXT-X-BYTERANGE:10@5\r\na.m4s  \r\n"+
		"#EXTINF:2,\r\n#EXT-X-BYTERANGE:20\r\na.m4s\r\n"+
		"#EXT-X-DISCONTINUITY\r\n#EXT-X-GAP\r\n#EXTINF:x,\r\n#EXT-X-TARGETDURATION:3\r\nb.m4s\r\n"+
		"#EXT-X-FOO\r\n#EXT-X-PLAYLIST-TYPE:EVENT\r\n#EXT-X-ENDLIST")
	if p.Sequence != 7 || p.Last() != 9 || p.DiscontinuitySequence != 3 || p.Version != 6 || p.TargetDuration != 3*time.Second || p.Type != "EVENT" || !p.Ended {
		t.Errorf("%s", describe(p))
	}
	a, b, c := &p.Segments[0], &p.Segments[1], &p.Segments[2]
	if a.URI != "a.m4s" || a.Duration != 2250*time.Millisecond || a.Range != (Range{10, 5}) || len(a.Keys()) != 1 || a.Keys()[0].URI != "a,b.key" || a.Map().Range != (Range{5, 6}) {
		t.Errorf("first: %+v %v %v", a, a.Keys(), a.Map())
	}
	if b.Range != (Range{20, 15}) || b.Discontinuities != 0 || b.Map() != a.Map() {
		t.Errorf("second: %+v", b)
	}
	if c.Duration != 0 || c.Discontinuities != 1 || !c.Gap || p.discontinuity(2) != 4 {
		t.Errorf("third: %+v", c)
	}
	checkRoundTrip(t, p.changed())
	times := p.Times()
	if want := time.Date(2026, 11, 29, 12, 26, 18, 750_000_000, time.UTC); !times[1].Equal(want) || !times[2].IsZero() {
		t.Errorf("times are %v", times)
	}
}

// What players accept is rewritten, too, and stays as it is where nothing changes.
func TestPlaylistsOfCarelessWriters(t *testing.T) {
	for name, c := range map[string]struct{ text, renamed string }{
		"no line end at the end":  {"#EXTM3U\n#EXTINF:2,\na.ts", "#EXTM3U\n#EXTINF:2,\nx/a.ts\n"},
		"lines before the header": {"\ufeff\n# by hand\n#EXTM3U\n#EXTINF:2,\na.ts\n", "\n# by hand\n#EXTM3U\n#EXTINF:2,\nx/a.ts\n"},
		"attributes behind it":    {"#EXTM3U url-tvg=\"x\"\n#EXTINF:2,\na.ts\n", "#EXTM3U url-tvg=\"x\"\n#EXTINF:2,\nx/a.ts\n"},
		"white space":             {"#EXTM3U\n #EXT-X-MAP:URI=\"m\"\n\t#EXTINF:2,\n a.ts \n", "#EXTM3U\n #EXT-X-MAP:URI=\"x/m\"\n\t#EXTINF:2,\n x/a.ts \n"},
		"spaces before values":    {"#EXTM3U\n#EXT-X-TARGETDURATION: 2\n#EXT-X-MEDIA-SEQUENCE: 5\n#EXTINF: 2,\na.ts\n", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF: 2,\nx/a.ts\n"},
		"mixed line ends":         {"#EXTM3U\r\n#EXTINF:2,\na.ts\r\n", "#EXTM3U\r\n#EXTINF:2,\nx/a.ts\r\n"},
	} {
		p := mustParse(t, c.text)
		if got := p.Bytes(); string(got) != c.text {
			t.Errorf("%s: unchanged, it is %q", name, got)
		}
		if len(p.Segments) != 1 || p.Segments[0].URI != "a.ts" || p.Segments[0].Duration != 2*time.Second {
			t.Errorf("%s: %s", name, describe(p))
		}
		if got := p.WithURIs(func(uri string) string { return "x/" + uri }).Bytes(); string(got) != c.renamed {
			t.Errorf("%s: with other URIs, it is %q", name, got)
		}
	}
}

func TestBrokenLineOfOursSaysNothing(t *testing.T) {
	for line, want := range map[string]string{
		"## ems-sidecar offset=-3 run=6 later=x":           "true -3 6",
		"## ems-sidecar offset=3 run=5":                    "true 3 0", // no segment stands before
		"## ems-sidecar offset=3 run=7":                    "true 3 0", // it is not listed
		"## ems-sidecar run=6":                             "false 0 0",
		"## ems-sidecar offset=9223372036854775807 run=-1": "false 0 0",
		"## ems-sidecar ":                                  "false 0 0",
		"## ems-sidecars":                                  "false 0 0",
	} {
		p := mustParse(t, "#EXTM3U\n"+line+"\n#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:2,\na\n#EXTINF:2,\nb\n")
		if got := fmt.Sprint(p.Continued, p.Offset, p.Run); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestPlaylistsThatAreNotRewritten(t *testing.T) {
	const begin = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
	for name, c := range map[string]struct {
		text  string
		fixed string // the tag
		is    error
	}{
		"a Multivariant Playlist":           {text: "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n", is: ErrSet},
		"variables":                         {text: begin + "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXTINF:2,\n{$a}.ts\n", fixed: "#EXT-X-DEFINE"},
		"a delta":                           {text: begin + "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:2,\na.ts\n", fixed: "#EXT-X-SKIP"},
		"parts":                             {text: begin + "#EXTINF:2,\na.ts\n#EXT-X-PART:DURATION=1,URI=\"b\"\n", fixed: "#EXT-X-PART"},
		"a hint":                            {text: begin + "#EXTINF:2,\na.ts\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"b\"\n", fixed: "#EXT-X-PRELOAD-HINT"},
		"reload by number":                  {text: begin + "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=6\n#EXTINF:2,\na.ts\n", fixed: "#EXT-X-SERVER-CONTROL with CAN-BLOCK-RELOAD"},
		"numbers of other renditions":       {text: begin + "#EXTINF:2,\na.ts\n#EXT-X-RENDITION-REPORT:URI=\"b\",LAST-MSN=3\n", fixed: "#EXT-X-RENDITION-REPORT"},
		"nothing":                           {text: " \n", is: media.ErrIncomplete},
		"thumbnails":                        {text: "#EXTM3U\n#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI=\"a.m3u8\"\n", is: ErrSet},
		"lines that end with CR":            {text: "#EXTM3U\r#EXTINF:2,\ra.ts\r", fixed: "CR as a line end"},
		"a duration without a URI":          {text: begin + "#EXTINF:2,\n", is: media.ErrIncomplete},
		"no playlist":                       {text: "<html>\n"},
		"a broken number":                   {text: begin + "#EXT-X-MEDIA-SEQUENCE:-1\n#EXTINF:2,\na.ts\n"},
		"a number that cannot grow":         {text: begin + "#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:2,\na.ts\n"},
		"a discontinuity that cannot grow":  {text: begin + "#EXT-X-DISCONTINUITY-SEQUENCE:18446744073709551615\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\na.ts\n"},
		"a broken range":                    {text: begin + "#EXTINF:2,\n#EXT-X-BYTERANGE:a@b\na.ts\n"},
		"a target duration that is no such": {text: "#EXTM3U\n#EXT-X-TARGETDURATION:NaN\n#EXTINF:2,\na.ts\n"},
	} {
		_, err := Parse([]byte(c.text))
		if err == nil {
			t.Errorf("%s is parsed", name)
		}
		var fixed *FixedError
		if errors.As(err, &fixed) != (c.fixed != "") || fixed != nil && fixed.Tag != c.fixed || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustParse(t, begin+"#EXT-X-SERVER-CONTROL:HOLD-BACK=6\n#EXTINF:2,\na.ts\n")
}
