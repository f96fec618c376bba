package media

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func uris(m Manifest) []string {
	var u []string
	for r := range m.References() {
		u = append(u, r.URI)
	}
	return u
}

func TestRecordedPlaylists(t *testing.T) {
	for _, c := range []struct {
		file string
		want Manifest
		uris []string
	}{
		{"master.m3u8", Manifest{Set: true}, []string{"live1/playlist.m3u8"}},
		{"first.m3u8", Manifest{Segments: 1, Sequence: 1, Last: 1, TargetDuration: 4 * time.Second},
			[]string{"segment_1795334975196_1.ts"}},
		{"rolling.m3u8", Manifest{Segments: 5, Sequence: 14, Last: 18, TargetDuration: 4 * time.Second},
			[]string{"segment_1795334975196_14.ts", "segment_1795334975196_15.ts", "segment_1795334975196_16.ts",
				"segment_1795334975196_17.ts", "segment_1795334975196_18.ts"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("../testdata/m3u8", c.file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParsePlaylist(b)
			if err != nil {
				t.Fatal(err)
			}
			if u := uris(got); !reflect.DeepEqual(u, c.uris) {
				t.Errorf("references %q, want %q", u, c.uris)
			}
			got.references = nil
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			// EMS truncates in place: whatever a reader meets before the end must not pass for a
			// playlist that names all of it.
			for n := range len(b) {
				if p, err := ParsePlaylist(b[:n]); err == nil && len(uris(p)) == len(c.uris) {
					t.Errorf("the first %d of %d bytes pass for whole", n, len(b))
				}
			}
		})
	}
}

func TestReferences(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		uris []string
	}{
		"keys and maps, also later ones": {`#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-KEY:METHOD=AES-128,IV=0x01,URI="1.key"
#EXT-X-MAP:URI="init1.mp4",BYTERANGE="10@0"
#EXTINF:4,
a.m4s
#EXT-X-KEY:METHOD=NONE
#EXT-X-MAP:URI="init2.mp4"
#EXTINF:4,title, with a comma
b.m4s
`, []string{"1.key", "init1.mp4", "a.m4s", "init2.mp4", "b.m4s"}},
		"byte ranges of one file": {`#EXTM3U
#EXT-X-TARGETDURATION:4
#EXTINF:4,
#EXT-X-BYTERANGE:100@0
all.ts
#EXTINF:4,
#EXT-X-BYTERANGE:100@100
all.ts
`, []string{"all.ts"}},
		"renditions and variants": {`#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x,URI=no",URI="audio/p.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="cc",INSTREAM-ID="CC1"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="iframes.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"
low/p.m3u8

#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="a"
# a comment between
high/p.m3u8
`, []string{"audio/p.m3u8", "iframes.m3u8", "low/p.m3u8", "high/p.m3u8"}},
		"low-latency parts, but not the hint": {`#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-PART:DURATION=1,URI="a.1.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="a.2.m4s"
`, []string{"a.1.m4s"}},
		"a byte order mark and CRLF": {"\ufeff#EXTM3U\r\n#EXTINF:4,\r\na b%+.ts\r\n", []string{"a b%+.ts"}},
		"an end without anything":    {"#EXTM3U\n#EXT-X-ENDLIST", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ParsePlaylist([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := uris(p); !reflect.DeepEqual(got, c.uris) {
				t.Errorf("references %q, want %q", got, c.uris)
			}
		})
	}
}

func TestSequencesAndEnd(t *testing.T) {
	p, err := ParsePlaylist([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n" +
		"#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Sequence != 1<<64-1 || p.TargetDuration != 6*time.Second || !p.Ended {
		t.Errorf("got %+v", p)
	}
}

func TestBadPlaylists(t *testing.T) {
	for name, c := range map[string]struct {
		text       string
		incomplete bool
	}{
		"empty":                   {"", true},
		"blank":                   {"\r\n\r\n", true},
		"cut in the first line":   {"#EXT", true},
		"cut in a name":           {"#EXTM3U\n#EXTINF:4,\nsegment_1", true},
		"cut before a name":       {"#EXTM3U\n#EXTINF:4,\n", true},
		"cut behind the header":   {"#EXTM3U\n#EXT-X-VERSION:3\n", true},
		"cut before a variant":    {"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", true},
		"something else":          {"<html>no</html>\n", false},
		"no number":               {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n#EXTINF:4,\na.ts\n", false},
		"negative number":         {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-1\n#EXTINF:4,\na.ts\n", false},
		"not a number":            {"#EXTM3U\n#EXT-X-TARGETDURATION:NaN\n#EXTINF:4,\na.ts\n", false},
		"longer than any segment": {"#EXTM3U\n#EXT-X-TARGETDURATION:1e300\n#EXTINF:4,\na.ts\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePlaylist([]byte(c.text))
			if err == nil {
				t.Fatal("passes")
			}
			if errors.Is(err, ErrIncomplete) != c.incomplete {
				t.Errorf("%v: incomplete is %v, want %v", err, !c.incomplete, c.incomplete)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		uri, literal, decoded string
		outside               bool
	}{
		{"a.ts", "g/s/a.ts", "", false},
		{"./sub/a.ts", "g/s/sub/a.ts", "", false},
		{"../t/a.ts", "g/t/a.ts", "", false},
		{"../../a.ts", "a.ts", "", false},
		{"../../../a.ts", "", "", true},
		{"..", "g", "", false},
		{"", "", "", false},
		{"a b.ts", "g/s/a b.ts", "", false},
		{"a+b.ts", "g/s/a+b.ts", "", false},
		{"100%.ts", "g/s/100%.ts", "", false},
		{"a%20b.ts", "g/s/a%20b.ts", "g/s/a b.ts", false},
		{"a.ts?token=1", "g/s/a.ts?token=1", "g/s/a.ts", false},
		{"a#1.ts", "g/s/a#1.ts", "g/s/a", false},
		{"ü.ts", "g/s/ü.ts", "", false},
		{"%2e%2e/%2e%2e/%2e%2e/etc/passwd", "g/s/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "", true},
		{"x/../../../../a.ts", "", "", true},
		{"%00", "g/s/%00", "", false},
		{"http://example.com/a.ts", "", "", false},
		{"skd://key", "", "", false},
		{"data:text/plain,x", "", "", false},
		{"//example.com/a.ts", "", "", false},
		{"/a.ts", "", "", false},
	} {
		literal, decoded, outside := Resolve("g/s", c.uri)
		if literal != c.literal || decoded != c.decoded || outside != c.outside {
			t.Errorf("Resolve(%q) = %q, %q, %v, want %q, %q, %v", c.uri, literal, decoded, outside, c.literal, c.decoded, c.outside)
		}
	}
}

func FuzzParsePlaylist(f *testing.F) {
	addRecordings(f, "m3u8")
	f.Add([]byte("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\n#EXTINF:1,\n../x\n#EXT-X-ENDLIST"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := within(t, b, ParsePlaylist)
		if err != nil {
			return
		}
		if len(uris(p)) > strings.Count(string(b), "\n")+1 {
			t.Errorf("%d references in %d lines", len(uris(p)), strings.Count(string(b), "\n")+1)
		}
		p.Segments = segments(p) // a file of which a playlist names several ranges is one reference
		checkNames(t, p)
	})
}

func BenchmarkParsePlaylist(b *testing.B) {
	for _, segments := range []int{5, 100_000} {
		var text strings.Builder
		text.WriteString("#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:1\r\n")
		for n := range segments {
			fmt.Fprintf(&text, "#EXTINF:4.000,\r\nsegment_1795334975196_%d.ts\r\n", n)
		}
		b.Run(fmt.Sprint(segments), func(b *testing.B) {
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParsePlaylist([]byte(text.String())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
