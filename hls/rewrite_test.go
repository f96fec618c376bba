package hls

import (
	"strings"
	"testing"
)

// toRelative takes https://h/ away.
func toRelative(uri string) string { return strings.TrimPrefix(uri, "https://h/") }

func TestURIsAreRewrittenAndAllElseStays(t *testing.T) {
	const media = "\ufeff## a comment https://h/x\n#EXTM3U\r\n#EXT-X-VERSION:9\n" +
		"#EXT-X-KEY:METHOD=AES-128,URI=\"https://h/k.key?a=1,2\",IV=0x1 , X = 3\n" +
		"#EXT-X-MAP: BYTERANGE=\"10@0\", URI=\"https://h/init.mp4\"\n" +
		"#EXT-X-DATERANGE:ID=\"https://h/id\",X-ASSET-URI=\"https://h/ad.m3u8\",X-ASSET-LIST=\"https://h/ads.json\"\n" +
		"#EXTINF:2,https://h/title\n  https://h/s0.ts?t=1\t\r#EXTINF:2,\nhttps://other/s1.ts\n\n" +
		"#EXT-X-PART:DURATION=0.5,URI=\"https://h/s2.0.ts\",GAP=NO\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"https://h/s2.1.ts\"\n" +
		"#EXT-X-RENDITION-REPORT:URI=\"https://h/v.m3u8\"\n#EXT-X-UNKNOWN:DATA=\"https://h/x\"\n#EXTINF:1,\nhttps://h/s3.ts"
	const master = "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"https://h/steer.json\"\n" +
		"#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"https://h/k.key\"\n" +
		"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"https://h/a\",NAME=\"https://h/\",URI=\"https://h/a.m3u8\"\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://h/v.m3u8\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"https://h/i.m3u8\"\n"
	for _, text := range []string{media, master} {
		want := text
		for _, stays := range []string{"comment https://h/x", "=\"https://h/id\"", ",https://h/title", "DATA=\"https://h/x\"",
			"GROUP-ID=\"https://h/a\"", "NAME=\"https://h/\""} {
			want = strings.ReplaceAll(want, stays, strings.ReplaceAll(stays, "https", "HTTPS"))
		}
		want = strings.ReplaceAll(strings.ReplaceAll(want, "https://h/", ""), "HTTPS", "https")
		if got := string(RewriteURIs([]byte(text), toRelative)); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	}
}

func TestVariablesInURIsAreReplacedOnlyWhereAURIChanges(t *testing.T) {
	const text = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"https://h/live\"\n#EXT-X-DEFINE:NAME=\"o\",VALUE=\"https://o\"\n" +
		"#EXTINF:1,\n{$b}/s0.ts\n#EXTINF:1,\n{$o}/s1.ts\n#EXTINF:1,\n{$unknown}/s2.ts\n#EXT-X-MAP:URI=\"{$b}/i.mp4\"\n"
	want := strings.ReplaceAll(strings.Replace(text, "{$b}/s0", "live/s0", 1), "{$b}/i", "live/i")
	if got := string(RewriteURIs([]byte(text), toRelative)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestAPlaylistInWhichNoURIChangesIsTheSameBytes(t *testing.T) {
	text := []byte("#EXTM3U\n#EXTINF:1,\ns0.ts\n#EXT-X-KEY:URI=\"unended\n")
	if got := RewriteURIs(text, toRelative); &got[0] != &text[0] {
		t.Errorf("it was copied: %q", got)
	}
}
