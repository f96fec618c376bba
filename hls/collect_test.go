package hls

import (
	"strings"
	"testing"
	"time"
)

const collected = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-START:TIME-OFFSET=-6\n" +
	"#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\n7.ts\n#EXTINF:2,\n8.ts\n#EXTINF:2,\n9.ts\n"

// What is in effect is stated where the list begins, and where it is another one, and only there.
func TestCollectionStatesWhatIsInEffect(t *testing.T) {
	p := mustParse(t, collected)
	c := p.Blank(Event, 1).Append(Addition{Of: p, From: 1, Dates: []time.Time{time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)}})
	q := mustParse(t, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\n9.ts\n#EXTINF:3,\n10.ts\n")
	c = c.Append(Addition{Of: q, From: 1})
	c = c.Append(Addition{Of: mustParse(t, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:20\n#EXTINF:2,\n20.ts\n"), Seam: true})
	const want = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-PLAYLIST-TYPE:EVENT\n" +
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-30T04:00:00.000Z\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\n8.ts\n#EXTINF:2,\n9.ts\n#EXTINF:3,\n10.ts\n" +
		"#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\n20.ts\n#EXT-X-ENDLIST\n"
	if got := string(c.WithEnd().Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := c.WithEnd().Length(); n != len(want) {
		t.Errorf("its length is %d, want %d", n, len(want))
	}
	if c.Seams() != 1 || c.Segments[0].IsEncrypted() != true || c.Segments[3].IsEncrypted() {
		t.Errorf("%d seams", c.Seams())
	}
}

// Without an IV, that is the media sequence number: a segment with another number needs its own.
func TestCollectionKeepsInitializationVectors(t *testing.T) {
	p := mustParse(t, collected)
	c := p.Blank(VOD, 0).Append(Addition{Of: p})
	q := mustParse(t, strings.NewReplacer(":7\n", ":20\n", "7.ts", "20.ts", "8.ts", "21.ts", "9.ts", "22.ts").Replace(collected))
	c = c.Append(Addition{Of: q, Seam: true})
	text := string(c.Bytes())
	for _, want := range []string{
		"#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\n7.ts\n#EXTINF:2,\n8.ts\n",
		"#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x00000000000000000000000000000014\n#EXTINF:2,\n20.ts\n",
		"#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x00000000000000000000000000000016\n#EXTINF:2,\n22.ts\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// A value of a collection that is being sent does not change when the next one is made.
func TestFormerValueOfACollectionStaysAsItIs(t *testing.T) {
	p := mustParse(t, collected)
	c := p.Blank(Event, 0).Append(Addition{Of: p})
	before := string(c.Bytes())
	next := c
	for range 10 {
		next = next.Append(Addition{Of: p, Seam: true})
	}
	if string(c.Bytes()) != before || len(next.Segments) != 33 {
		t.Errorf("it is now\n%s", c.Bytes())
	}
}
