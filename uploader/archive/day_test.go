package archive

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Twelve hours of segments of 2 s: the playlists of an archive cost less than a percent of the chunks,
// what is in memory is one hour, and a clip of all of it is made in one go.
func TestTwelveHours(t *testing.T) {
	for _, c := range []struct {
		size int64 // of a chunk
		most float64
	}{
		{2_000_000, 1}, {500_000, 1}, {100_000, 1}, {50_000, 1},
	} {
		t.Run(fmt.Sprint(c.size), func(t *testing.T) {
			l, s, b := newLive(t), newShelf(t), &Broadcast{}
			l.size = c.size
			const segments = 21_600
			largest := 0
			for n := 1; n <= segments; n++ {
				if n%5000 == 0 {
					l.reconnect(20 * time.Second)
				}
				l.next(2)
				l.ended = n == segments
				b.Add(l.version())
				if n%4321 == 0 { // killed: what is not in the bucket is found again
					resumed := s.listed()
					last := resumed[len(resumed)-1]
					b = Resume(last.Name, last.List)
					l.found(b)
				}
				if b.part != nil {
					largest = max(largest, b.part.list.Length())
				}
				s.put(b, l.now)
			}
			share := 100 * float64(s.bytes) / float64(l.bytes)
			whole := s.objects[Name{Start: b.Start()}.Path()]
			t.Logf("%d segments of %d bytes: %d puts of %d bytes, %.2f %% of %d; the largest hour has %d bytes, the whole %d, in %d objects",
				segments, c.size, s.puts, s.bytes, share, l.bytes, largest, len(whole), len(s.objects))
			if share > c.most {
				t.Errorf("the archive's playlists are %.2f %% of the chunks", share)
			}
			got := named(t, Name{Start: b.Start()}.Path(), whole)
			if len(got) != segments || strings.Join(got, " ") != strings.Join(l.names, " ") {
				t.Errorf("the whole has %d segments", len(got))
			}
			if n := strings.Count(whole, "#EXT-X-DISCONTINUITY\n"); n != segments/5000 {
				t.Errorf("the whole has %d seams", n)
			}
			clip, err := Cut(s.listed(), noon.Add(time.Hour-time.Minute), noon.Add(9*time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(clip.List.Segments); n < 14_400 || n > 14_430 || clip.List.Seams() != 3 {
				t.Errorf("the clip has %d segments and %d seams", n, clip.List.Seams())
			}
		})
	}
}

// found adds to a broadcast that was resumed what was published and not listed, as it is found by its
// names.
func (l *live) found(b *Broadcast) {
	uri, _ := b.Last()
	var lost Version
	for i, name := range l.names {
		if name == uri {
			text := "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n"
			for _, name := range l.names[i+1:] {
				text += "#EXTINF:2.000,\n" + name + "\n"
			}
			lost = parsed(l.t, text)
		}
	}
	if lost.List != nil && len(lost.List.Segments) > 0 {
		b.Add(lost)
	}
}
