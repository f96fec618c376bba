package archive

import (
	"testing"
	"time"

	"ems-sidecar/hls"
)

// A DVR playlist has the numbers of the live one, and as much as it should, or up to 16 segments more.
func TestDVRHasTheNumbersOfTheLivePlaylist(t *testing.T) {
	l, d := newLive(t), NewDVR(time.Minute, nil)
	known := map[string]uint64{} // the numbers of segments, and of their discontinuities
	left := 0
	for n := range 300 {
		if n%70 == 69 {
			l.reconnect(5 * time.Second)
		}
		if n%100 == 99 { // the process starts again
			d = NewDVR(time.Minute, reparsed(t, d.List()))
		}
		l.next(2)
		v := l.version().List
		for i, s := range v.Segments {
			known[s.URI] = v.Sequence + uint64(i)
			known["seams "+s.URI] = seamsBefore(v, i)
		}
		left += len(d.Add(v))
		list := reparsed(t, d.List())
		if want := min(n+1, 30); len(list.Segments) < want || len(list.Segments) >= 30+trimmedAt {
			t.Fatalf("after %d segments it has %d", n+1, len(list.Segments))
		}
		for i, s := range list.Segments {
			if list.Sequence+uint64(i) != known[s.URI] || seamsBefore(list, i) != known["seams "+s.URI] {
				t.Fatalf("%s is number %d behind %d seams, and in the live playlist %d behind %d", s.URI,
					list.Sequence+uint64(i), seamsBefore(list, i), known[s.URI], known["seams "+s.URI])
			}
		}
		if last := list.Segments[len(list.Segments)-1].URI; last != l.names[n] {
			t.Fatalf("it ends with %s", last)
		}
	}
	if left+len(d.List().Segments) != 300 {
		t.Errorf("%d have left it, and %d are in it", left, len(d.List().Segments))
	}
	l.ended = true
	d.Add(l.version().List)
	if !d.List().Ended {
		t.Error("it does not end with the live playlist")
	}
}

// If the live playlist jumps, the numbers would be wrong: it begins again.
func TestDVRBeginsAgainBehindAHole(t *testing.T) {
	l, d := newLive(t), NewDVR(time.Minute, nil)
	l.next(2)
	d.Add(l.version().List)
	for range 20 {
		l.next(2)
	}
	left := d.Add(l.version().List)
	if list := d.List(); list.Sequence != 15 || len(list.Segments) != 6 || len(left) != 1 || left[0] != "a_1.ts" {
		t.Errorf("it has %d segments from %d on; %v left", len(list.Segments), list.Sequence, left)
	}
}

func seamsBefore(list *hls.Playlist, i int) uint64 {
	n := list.DiscontinuitySequence
	for _, s := range list.Segments[:i+1] {
		n += uint64(s.Discontinuities)
	}
	return n
}

func reparsed(t *testing.T, list *hls.Playlist) *hls.Playlist {
	t.Helper()
	again, err := hls.Parse(list.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return again
}
