package hls

import (
	"fmt"
	"testing"
)

func TestRangesBecomeFilesOfTheirOwn(t *testing.T) {
	p := mustParse(t, `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:3
#EXT-X-MAP:URI="a.mp4",BYTERANGE="700@0"
#EXTINF:2.000,
#EXT-X-BYTERANGE:100@700
a.mp4
#EXT-X-KEY:METHOD=AES-128,URI="k"
#EXTINF:2.000,
#EXT-X-BYTERANGE:50
a.mp4
#EXTINF:2.000,
whole.mp4
#EXT-X-ENDLIST
`)
	name := func(uri string, r Range) string { return fmt.Sprintf("%d-%d-%s", r.Offset, r.Length, uri) }
	split := p.SplitRanges(name)
	compare(t, split, `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:3
#EXT-X-MAP:URI="0-700-a.mp4"
#EXTINF:2.000,
700-100-a.mp4
#EXT-X-KEY:METHOD=AES-128,URI="k"
#EXTINF:2.000,
800-50-a.mp4
#EXTINF:2.000,
whole.mp4
#EXT-X-ENDLIST
`)
	if m := split.Segments[1].Map(); m.URI != "0-700-a.mp4" || m.Range.Length != 0 || len(split.Segments[1].Keys()) != 1 {
		t.Errorf("the map is %+v", m)
	}
	if split.SplitRanges(name) != split {
		t.Error("what has no ranges is rewritten")
	}
	frames := mustParse(t, "#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:2,\n#EXT-X-BYTERANGE:5@0\na.ts\n")
	if frames.SplitRanges(name) != frames {
		t.Error("the ranges of I-frames are split")
	}
}
