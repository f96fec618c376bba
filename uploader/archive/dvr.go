package archive

import (
	"time"

	"ems-sidecar/hls"
)

// A DVR is the playlist of the last hours of a stream that goes on. Its numbers are those of the live
// playlist, so that a player may go from one to the other.
type DVR struct {
	window time.Duration
	list   *hls.Playlist // nil: there is none yet
	length time.Duration
}

// trimmedAt is how many segments leave the list at once, as each time all others are copied.
const trimmedAt = 16

// NewDVR returns a DVR of a length that begins with list, which may be nil: what the bucket has.
func NewDVR(window time.Duration, list *hls.Playlist) *DVR {
	d := &DVR{window: window}
	if list != nil && !list.Ended {
		d.begin(list)
	}
	return d
}

func (d *DVR) begin(list *hls.Playlist) {
	d.list, d.length = list.Blank(hls.Live, 0), 0
	d.add(list, 0)
}

func (d *DVR) add(list *hls.Playlist, k int) {
	d.list = d.list.Append(hls.Addition{Of: list, From: k})
	for _, s := range list.Segments[k:] {
		d.length += s.Duration
	}
}

// Add adds what a version of the live playlist has behind the last segment. If that does not follow, the
// list begins again. It returns the URIs of the segments that left it.
func (d *DVR) Add(list *hls.Playlist) (left []string) {
	if k, ok := d.continued(list); ok {
		d.add(list, k)
	} else {
		if d.list != nil {
			left = uris(d.list.Segments)
		}
		d.begin(list)
	}
	if list.Ended {
		d.list = d.list.WithEnd()
	}
	return append(left, d.trim()...)
}

// continued returns which segment of list follows from the last one.
func (d *DVR) continued(list *hls.Playlist) (k int, ok bool) {
	if d.list == nil || d.list.Ended || len(d.list.Segments) == 0 {
		return 0, false
	}
	next := d.list.Next()
	if next < list.Sequence || next > list.Next() {
		return 0, false
	}
	k = int(next - list.Sequence)
	return k, k == 0 || list.Segments[k-1].IsSame(&d.list.Segments[len(d.list.Segments)-1])
}

// trim takes segments away that are older than the window.
func (d *DVR) trim() (left []string) {
	k, length := 0, d.length
	for k < len(d.list.Segments) && length-d.list.Segments[k].Duration >= d.window {
		length -= d.list.Segments[k].Duration
		k++
	}
	if k < trimmedAt {
		return nil
	}
	left = uris(d.list.Segments[:k])
	d.list, d.length = d.list.Behind(k), length
	return left
}

// List returns the playlist, or nil.
func (d *DVR) List() *hls.Playlist { return d.list }

func uris(segments []hls.Segment) []string {
	names := make([]string, len(segments))
	for i := range segments {
		names[i] = segments[i].URI
	}
	return names
}
