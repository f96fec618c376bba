package hls

import (
	"fmt"
	"strings"
	"testing"
)

// Playlists of an EMS: rolling with six segments, half an hour of 2 s, and half a day.
var lengths = []int{6, 900, 20_000}

func appending(run, first, n int) string {
	kind := "#EXT-X-PLAYLIST-TYPE:EVENT\r\n"
	if first > 1 {
		kind = "#EXT-X-ALLOW-CACHE:NO\r\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\r\n#EXT-X-VERSION:3\r\n%s#EXT-X-TARGETDURATION:2\r\n#EXT-X-MEDIA-SEQUENCE:%d\r\n#EXT-X-PROGRAM-DATE-TIME:2026-11-29T12:26:24.837+00:00\r\n", kind, first)
	for i := range n {
		fmt.Fprintf(&b, "#EXTINF:2.000,\r\nsegment_179595515548%d_%d.ts\r\n", run, first+i)
	}
	return b.String()
}

func BenchmarkParse(b *testing.B) {
	for _, n := range lengths {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := []byte(appending(0, 1, n))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One more segment of a stream, the path of almost all playlists.
func BenchmarkContinueUnchanged(b *testing.B) {
	for _, n := range lengths {
		benchmarkContinue(b, n, mustParse(b, appending(0, 7, n)), mustParse(b, appending(0, 8, n)), Same)
	}
}

// One more segment of a stream that had reconnected before.
func BenchmarkContinueContinued(b *testing.B) {
	for _, n := range lengths {
		former := mustParse(b, appending(0, 7, n))
		shown, _ := Continue(former, mustParse(b, appending(1, 7, n)), Situation{})
		benchmarkContinue(b, n, shown, mustParse(b, appending(1, 8, n)), Same)
	}
}

// One more segment of an appending stream that reconnected when half of the list was written.
func BenchmarkContinueAppending(b *testing.B) {
	for _, n := range lengths {
		shown, _ := Continue(mustParse(b, appending(0, 1, n/2)), mustParse(b, appending(1, 1, n/2-1)), Situation{})
		benchmarkContinue(b, n, shown, mustParse(b, appending(1, 1, n/2)), Same)
	}
}

// The first segment of a new run.
func BenchmarkContinueSeam(b *testing.B) {
	for _, n := range lengths {
		benchmarkContinue(b, n, mustParse(b, appending(0, 1, n)), mustParse(b, appending(1, 1, 1)), Seam)
	}
}

func benchmarkContinue(b *testing.B, n int, shown, run *Playlist, want Join) {
	b.Run(fmt.Sprint(n), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, join := Continue(shown, run, Situation{Watched: true})
			if join != want || len(p.Bytes()) == 0 {
				b.Fatal(join)
			}
		}
	})
}
