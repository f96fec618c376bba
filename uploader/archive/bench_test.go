package archive

import (
	"fmt"
	"testing"
	"time"

	"ems-sidecar/hls"
)

// A clip of twelve hours, from the texts of the hours.
func BenchmarkClipOfTwelveHours(b *testing.B) {
	var texts []Listed
	l, a := newLive(nil), &Broadcast{}
	for range 21_600 {
		l.next(2)
		list, err := hls.Parse([]byte(l.text()))
		if err != nil {
			b.Fatal(err)
		}
		a.Add(Version{List: list, Chunks: l.chunks, At: l.now})
	}
	a.End()
	texts = a.Listed()
	b.ResetTimer()
	for range b.N {
		var lists []Listed
		for _, t := range texts {
			list, err := hls.Parse(t.List.Bytes())
			if err != nil {
				b.Fatal(err)
			}
			lists = append(lists, Listed{t.Name, list})
		}
		c, err := Cut(lists, noon, noon.Add(24*time.Hour))
		if err != nil || len(c.List.Segments) != 21_600 {
			b.Fatal(err, len(c.List.Segments))
		}
		b.SetBytes(int64(len(c.List.Bytes())))
	}
}

// One more segment, by the length of the live playlist: what an archive costs for each chunk.
func BenchmarkAdd(b *testing.B) {
	for _, window := range []int{6, 900, 20_000} {
		b.Run(fmt.Sprint(window), func(b *testing.B) {
			l := newLive(nil)
			l.window = window
			for range window {
				l.next(2)
			}
			first := []byte(l.text())
			l.next(2)
			second := []byte(l.text())
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				a := &Broadcast{}
				list, err := hls.Parse(first)
				if err != nil {
					b.Fatal(err)
				}
				a.Add(Version{List: list, Chunks: l.chunks, At: l.now})
				b.StartTimer()
				next, err := hls.Parse(second)
				if err != nil {
					b.Fatal(err)
				}
				a.Add(Version{List: next, Chunks: l.chunks, At: l.now})
			}
		})
	}
}
