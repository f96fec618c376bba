package archive

import (
	"time"

	"ems-sidecar/hls"
)

// A part is the playlist of an hour: from when the first segment begins to the full hour.
type part struct {
	began time.Time
	list  *hls.Playlist
	size  int       // bytes of its text, about
	put   int       // segments that the bucket has
	putAt time.Time // when that was begun
	grown time.Time // when something was added last
}

// takes reports whether a segment of list that begins at a time belongs to the part. The target
// duration of a playlist must not change (RFC 8216, section 6.2.1).
func (p *part) takes(list *hls.Playlist, began time.Time) bool {
	hour := p.began.Truncate(time.Hour)
	return began.Before(hour.Add(time.Hour)) && len(p.list.Segments) < maxSegments && p.size < maxText &&
		list.TargetDuration <= p.list.TargetDuration
}

// measure notes the size.
func (p *part) measure() { p.size = p.list.Length() }

// next returns when the part is to be put, or zero: when it has grown. flush: what it costs does not
// matter.
func (p *part) next(credit int64, flush bool, now time.Time) time.Time {
	switch {
	case len(p.list.Segments) == p.put:
		return time.Time{}
	case p.put == 0, flush:
		return now
	case credit < int64(p.size):
		return later(p.grown.Add(Idle), now)
	}
	return later(p.putAt.Add(PutEvery), now)
}
