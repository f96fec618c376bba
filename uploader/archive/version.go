package archive

import (
	"time"

	"ems-sidecar/hls"
)

// A Version is what was published of a live playlist at one time.
type Version struct {
	List   *hls.Playlist
	Chunks map[string]Chunk // by URI: of those that the version names first, at least
	At     time.Time        // when it was published
	// Restored: it was never published as it is. Its numbers are no one's.
	Restored bool
}

// A Chunk is what is known of the file of a segment.
type Chunk struct {
	Closed time.Time // zero: it is not known
	Size   int64     // bytes
}

// place returns which segment of list is the first one behind last, and whether it follows from that.
// raise says how last names the files of list.
func place(list *hls.Playlist, last *hls.Segment, raise func(string) string) (k int, seam bool) {
	if last == nil {
		return 0, false
	}
	for i := len(list.Segments) - 1; i >= 0; i-- {
		s := &list.Segments[i]
		if s.Range == last.Range && raise(s.URI) == last.URI {
			return i + 1, false
		}
	}
	if len(list.Segments) == 0 {
		return 0, false
	}
	first := &list.Segments[0]
	if last.Range.Length > 0 && raise(first.URI) == last.URI {
		return 0, first.Range.Offset != last.Range.Offset+last.Range.Length
	}
	next, ok := Successor(last.URI)
	return 0, !ok || next != raise(first.URI)
}

// times returns when the segments from k on begin, and of each whether that must be stated: it does
// not follow from the one before, which ended at end. The zero time for end is a beginning.
func (v *Version) times(k int, seam bool, end time.Time) (begins []time.Time, stated []bool) {
	own := v.List.Times()
	segments := v.List.Segments
	begins, stated = make([]time.Time, len(segments)-k), make([]bool, len(segments)-k)
	for i := k; i < len(segments); i++ {
		s := &segments[i]
		began, ok := own[i], !own[i].IsZero()
		if c := v.Chunks[s.URI]; !ok && !c.Closed.IsZero() {
			began, ok = c.Closed.Add(-s.Duration), true
		}
		if !ok && end.IsZero() {
			began, ok = v.backwards(i), true
		}
		torn := s.Discontinuities > 0 || i == k && seam
		switch off := began.Sub(end); {
		case end.IsZero():
			stated[i-k] = true
		case !ok, off < -setback:
			began, stated[i-k] = end, torn
		case torn:
			began, stated[i-k] = later(began, end), true
		case off.Abs() <= drift:
			began = end
		default:
			stated[i-k] = true
		}
		begins[i-k] = began
		end = began.Add(s.Duration)
	}
	return begins, stated
}

// backwards returns when segment i began, as the next one tells of which that is known.
func (v *Version) backwards(i int) time.Time {
	var since time.Duration
	for _, s := range v.List.Segments[i:] {
		since += s.Duration
		if c := v.Chunks[s.URI]; !c.Closed.IsZero() {
			return c.Closed.Add(-since)
		}
	}
	return v.At.Add(-since)
}

func later(t, u time.Time) time.Time {
	if t.After(u) {
		return t
	}
	return u
}
