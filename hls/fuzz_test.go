package hls

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
)

// The bytes choose what the writer, the encoder and the daemon do.
func FuzzContinue(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add(bytes.Repeat([]byte{1, 0, 3, 2, 5, 4, 9, 7}, 40))
	f.Add(bytes.Repeat([]byte{0, 0, 1}, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), 2000)]
		viewersFollow(t, min(len(b)/8, 60), func(n int) int {
			if len(b) == 0 {
				return n - 1
			}
			c := int(b[0])
			b = b[1:]
			return c % n
		})
	})
}

// Any two texts: one that the bucket has, and one that is on the disk.
func FuzzParse(f *testing.F) {
	var all [][]byte
	for _, b := range recorded(f) {
		all = append(all, b)
	}
	for i, b := range all {
		f.Add(b, all[(i+1)%len(all)], byte(i))
	}
	f.Add([]byte("#EXTM3U\n## ems-sidecar offset=-9 run=3\n#EXT-X-MEDIA-SEQUENCE:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"m\"\n#EXTINF:1,\na\n#EXT-X-BYTERANGE:3@4\nb\n#EXT-X-BYTERANGE:3\nb\n"),
		[]byte("#EXTM3U\n#EXTINF:1,\n#EXT-X-VERSION:9\n#EXT-X-GAP\nb\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-ENDLIST\nc"), byte(1))
	f.Add([]byte(""), []byte("#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-11-22T08:09:48Z\n#EXTINF:4,\na\n#EXTINF:4,\nb"), byte(1<<3))
	f.Add([]byte("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:17\n#EXTINF:4,\na"), []byte("#EXTM3U\n  #EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF:4,\nb"), byte(2<<3|2))
	f.Fuzz(func(t *testing.T, old, b []byte, flags byte) {
		run := checkParsed(t, b)
		if run == nil {
			return
		}
		shown := checkParsed(t, old)
		s := Situation{Restarted: flags&1 > 0, Watched: flags&2 > 0, TooOld: flags&4 > 0, Discontinuities: uint64(flags >> 3)}
		p, join := Continue(shown, run, s)
		checkRoundTrip(t, p)
		again, joinAgain := Continue(reparsed(t, shown), run, s)
		if !bytes.Equal(p.Bytes(), again.Bytes()) || join != joinAgain {
			t.Errorf("after a restart it is %v\n%s\nand not %v\n%s", joinAgain, again.Bytes(), join, p.Bytes())
		}
		if shown != nil && join != Fresh && (p.Next() < shown.Next() || p.Sequence < shown.Sequence || p.Continued && p.DiscontinuitySequence < shown.DiscontinuitySequence) {
			t.Errorf("%v: from %d to %d, discontinuity %d\n%s\nit goes back to\n%s", join, shown.Sequence, shown.Last(), shown.DiscontinuitySequence, shown.Bytes(), p.Bytes())
		}
		// One more step of the same run changes nothing.
		s.Restarted = false
		if next, join := Continue(p, run, s); len(p.Segments) > 0 && join == Same && !bytes.Equal(next.Bytes(), p.Bytes()) {
			t.Errorf("once more, it is\n%s\nand not\n%s", next.Bytes(), p.Bytes())
		}
	})
}

// checkParsed parses b and checks the operations on it. It returns nil if b is no playlist.
func checkParsed(t *testing.T, b []byte) *Playlist {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := Parse(b)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > uint64(200*len(b)+64<<10) {
		t.Errorf("%d bytes allocated for %d bytes of input", n, len(b))
	}
	if err != nil {
		return nil
	}
	checkRoundTrip(t, p.changed())
	checkRoundTrip(t, p.WithEnd())
	checkRoundTrip(t, p.WithoutEnd())
	checkRoundTrip(t, p.WithGaps(func(uri string) bool { return strings.HasPrefix(uri, "a") }))
	checkRoundTrip(t, p.WithURIs(func(uri string) string { return "x/" + uri }))
	if c := p.Cut(p.Sequence+1, p.Last()); c != nil {
		checkRoundTrip(t, c)
	}
	p.Times()
	return p
}
