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
				if p, err := ParsePlaylist(b[:n]); err == nil && !p.Unended && !reflect.DeepEqual(uris(p), c.uris[:len(uris(p))]) {
					t.Errorf("the first %d of %d bytes name %q", n, len(b), uris(p))
				} else if err == nil && !p.Unended && len(uris(p)) == len(c.uris) && b[n-1] != '\r' {
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
		"lines before the header":    {"\ufeff \n# by hand\r\n#EXTM3U url-tvg=\"x\"\n#EXTINF:4,\na.ts\n", []string{"a.ts"}},
		"all three line ends":        {"#EXTM3U\r#EXTINF:4,\ra.ts\r\n#EXTINF:4,\nb.ts\n\r", []string{"a.ts", "b.ts"}},
		"white space around lines":   {"#EXTM3U\n #EXTINF:4,\n\t a.ts \n", []string{"a.ts"}},
		"spaces in attributes":       {"#EXTM3U\n#EXT-X-MAP: BYTERANGE=\"10@0\", URI=\"init.mp4\"\n#EXTINF:2,\ns0.m4s\n", []string{"init.mp4", "s0.m4s"}},
		"spaces before values":       {"#EXTM3U\n#EXT-X-TARGETDURATION: 2\n#EXT-X-MEDIA-SEQUENCE:\t5\n#EXTINF: 2,\na.ts\n", []string{"a.ts"}},
		"what is not there": {`#EXTM3U
#EXTINF:2,
a.ts
#EXT-X-GAP
#EXTINF:2,
b.ts
#EXTINF:2,
c.ts
#EXT-X-PART:DURATION=1,GAP=YES,URI="d.1.ts"
#EXT-X-PART:DURATION=1,URI="d.2.ts"
#EXT-X-PREFETCH:d.3.ts
#EXT-X-RENDITION-REPORT:URI="../other/p.m3u8",LAST-MSN=3
`, []string{"a.ts", "c.ts", "d.2.ts"}},
		"interstitials": {`#EXTM3U
#EXTINF:2,
a.ts
#EXT-X-DATERANGE:ID="a",CLASS="com.apple.hls.interstitial",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="ad/p.m3u8"
#EXT-X-DATERANGE:ID="b",START-DATE="2026-01-01T00:00:00Z",X-ASSET-LIST="list.json",X-COM-EXAMPLE="URI=no"
`, []string{"a.ts", "ad/p.m3u8", "list.json"}},
		"what a Master Playlist names beside variants": {`#EXTM3U
#EXT-X-CONTENT-STEERING:SERVER-URI="steer.json",PATHWAY-ID="A"
#EXT-X-SESSION-DATA:DATA-ID="x",URI="data.json"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="k.key"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,RESOLUTION=320x180,CODECS="jpeg",URI="thumbs.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1
v.m3u8
`, []string{"steer.json", "data.json", "k.key", "thumbs.m3u8", "v.m3u8"}},
		"variables": {`#EXTM3U
#EXT-X-DEFINE:NAME="p",VALUE="sub"
#EXT-X-DEFINE:QUERYPARAM="token"
#EXT-X-DEFINE:IMPORT="cdn"
#EXT-X-KEY:METHOD=AES-128,URI="{$p}/{$p}.key"
#EXTINF:2,
{$p}/0.ts?t={$token}
#EXTINF:2,
{$cdn}/1.ts
#EXTINF:2,
{p}{$/2.ts
`, []string{"sub/sub.key", "sub/0.ts", "{p}{$/2.ts"}},
		"variables in variables": {`#EXTM3U
#EXT-X-DEFINE:NAME="a",VALUE="sub"
#EXT-X-DEFINE:IMPORT="x"
#EXT-X-DEFINE:NAME="b",VALUE="{$a}/low"
#EXT-X-DEFINE:NAME="c",VALUE="{$x}/low"
#EXTINF:2,
{$b}/0.ts
#EXTINF:2,
{$c}/1.ts
`, []string{"sub/low/0.ts"}},
		"no variables": {"#EXTM3U\n#EXTINF:2,\n{$p}.ts\n", []string{"{$p}.ts"}},
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

// Segments without a file of their own count all the same: numbers follow from them.
func TestSegmentsWithoutReferencesCount(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Manifest
	}{
		"only gaps": {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-GAP\n#EXTINF:2,\na.ts\n#EXTINF:2,\n#EXT-X-GAP\nb.ts\n",
			Manifest{Segments: 2, Sequence: 5, Last: 6}},
		"variables that are not known": {"#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"x\"\n#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:2,\n{$x}/a.ts\n#EXTINF:2,\n{$x}/b.ts\n",
			Manifest{Segments: 2, Sequence: 5, Last: 6, Unresolved: "{$x}/a.ts"}},
		"a delta update": {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:2,\nh.ts\n",
			Manifest{Segments: 1, Sequence: 5, Last: 8}},
		"parts of the next segment": {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:2,\na.ts\n#EXT-X-PART:DURATION=1,URI=\"b.1.ts\"\n",
			Manifest{Segments: 2, Sequence: 5, Last: 5}},
		"no end of the last line": {"#EXTM3U\n#EXTINF:2,\na.ts", Manifest{Segments: 1, Unended: true}},
		"the end of the playlist": {"#EXTM3U\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST", Manifest{Segments: 1, Ended: true}},
	} {
		got, err := ParsePlaylist([]byte(c.text))
		if got.references = nil; err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

// A few bytes may not claim gigabytes of names.
func TestVariablesAreBounded(t *testing.T) {
	long := "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"" + strings.Repeat("x", 1500) + "\"\n"
	for name, text := range map[string]string{
		"one URI":   long + "{$a}{$a}\n",
		"many URIs": long + strings.Repeat("{$a}\n", 1000),
	} {
		if _, err := within(t, []byte(text), ParsePlaylist); err == nil {
			t.Errorf("%s: passes", name)
		}
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
		"cut in a number":         {"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:", true},
		"cut before the header":   {"\n# by hand\n", true},
		"tags before the header":  {"#EXT-X-VERSION:3\n#EXTM3U\n#EXTINF:4,\na.ts\n", false},
		"a longer word":           {"#EXTM3U8\n#EXTINF:4,\na.ts\n", false},
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
		literal, decoded, outside := resolve("g/s", c.uri)
		if literal != c.literal || decoded != c.decoded || outside != c.outside {
			t.Errorf("resolve(%q) = %q, %q, %v, want %q, %q, %v", c.uri, literal, decoded, outside, c.literal, c.decoded, c.outside)
		}
	}
}

func FuzzParsePlaylist(f *testing.F) {
	addRecordings(f, "m3u8")
	f.Add([]byte("\n#EXTM3U\r#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b/\"\r\n#EXT-X-GAP\n#EXTINF:1,\n{$a}x\n#EXTINF:1,\n{$c}?{$a}"))
	f.Add([]byte("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\n#EXTINF:1,\n../x\n#EXT-X-ENDLIST"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := within(t, b, ParsePlaylist)
		if err != nil {
			return
		}
		if lines := strings.Count(string(b), "\n") + strings.Count(string(b), "\r") + 1; len(uris(p)) > 2*lines {
			t.Errorf("%d references in %d lines", len(uris(p)), lines)
		}
		p.Segments = segments(p) // a file of which a playlist names several ranges is one reference
		checkNames(t, p)
	})
}

func BenchmarkParsePlaylist(b *testing.B) {
	for _, segments := range []int{5, 50_000} {
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
