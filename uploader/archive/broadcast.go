package archive

import (
	"time"

	"ems-sidecar/hls"
)

// A Broadcast is the archive of one live playlist, from its first segment to its end.
type Broadcast struct {
	start time.Time // names its directory; zero: there is no segment yet

	part *part   // that grows; nil: the next segment begins one
	full []*part // of which the last version was not put yet, oldest first
	last *hls.Segment
	next uint64    // the number of the segment behind last in the live playlist
	end  time.Time // when last ends

	credit int64 // bytes that growing parts may still cost
	flush  bool  // what is known is put, at any cost
	ended  bool
	whole  bool // the bucket has the playlist of the whole
	lost   int  // segments of hours that were never put
}

// Resume returns the broadcast that began at a time, of which the bucket has the hour that name names,
// as its last one.
func Resume(name Name, list *hls.Playlist) *Broadcast {
	b := &Broadcast{start: name.Start}
	own := list.Blank(hls.Event, 0).Append(hls.Addition{Of: list})
	n := len(own.Segments)
	if n == 0 {
		return b
	}
	times := own.Times()
	b.last, b.next = &own.Segments[n-1], own.Next()
	if b.end = times[n-1].Add(b.last.Duration); times[n-1].IsZero() { // someone has changed it
		b.end = name.Began
	}
	if !list.Ended {
		b.part = &part{began: name.Began, list: own, put: n}
		b.part.measure()
	}
	return b
}

// Following returns a broadcast that begins behind the last segment of b, which has ended: the live
// playlist still lists that.
func Following(b *Broadcast) *Broadcast { return &Broadcast{last: b.last, next: b.next} }

// Start returns when the first segment began, or the zero time.
func (b *Broadcast) Start() time.Time { return b.start }

// Last returns the URI of the last segment in the live playlist, or "", and when it ended.
func (b *Broadcast) Last() (uri string, end time.Time) {
	if b.last == nil {
		return "", b.end
	}
	return lowered(b.last.URI), b.end
}

// Ended reports whether nothing will be added.
func (b *Broadcast) Ended() bool { return b.ended }

// Lost returns how many segments were dropped because their hours could not be put for long.
func (b *Broadcast) Lost() int { return b.lost }

// Follows reports whether nothing passed between the last segment and what v has behind it: one is
// called so that it follows, or has the next number, as behind a seam.
func (b *Broadcast) Follows(v Version) bool {
	_, seam := place(v.List, b.last, raised)
	return !seam || v.List.Sequence == b.next
}

// An Added is what a version has added to a broadcast.
type Added struct {
	Segments int
	Hole     bool // the first does not follow from what there was
}

// Add adds what a version of the live playlist has behind the last segment.
func (b *Broadcast) Add(v Version) Added {
	k, seam := place(v.List, b.last, raised)
	added := Added{len(v.List.Segments) - k, !b.Follows(v)}
	if added.Segments > 0 {
		begins, stated := v.times(k, seam, b.end)
		for _, s := range v.List.Segments[k:] {
			b.credit += v.Chunks[s.URI].Size / creditShare
		}
		// The segment before comes along: its keys are in effect.
		from := max(k-1, 0)
		b.append(v.List.Behind(from).WithURIs(raised), k-from, seam, begins, stated)
		b.part.grown = v.At
		if b.next += uint64(added.Segments); !v.Restored {
			b.next = v.List.Next()
		}
	}
	if v.List.Ended {
		b.End()
	}
	return added
}

// append adds the segments of list from k on, hour by hour.
func (b *Broadcast) append(list *hls.Playlist, k int, seam bool, begins []time.Time, stated []bool) {
	if b.start.IsZero() {
		b.start = begins[0].UTC().Truncate(time.Second)
	}
	for len(begins) > 0 {
		if b.part != nil && !b.part.takes(list, begins[0]) {
			b.close()
		}
		if b.part == nil {
			b.part = &part{began: begins[0].UTC().Truncate(time.Second), list: list.Blank(hls.Event, k)}
		}
		n := 0
		dates := make([]time.Time, 0, len(begins))
		for n < len(begins) && (n == 0 || b.part.takes(list, begins[n])) && len(b.part.list.Segments)+n < maxSegments {
			var date time.Time
			if stated[n] || len(b.part.list.Segments)+n == 0 {
				date = begins[n]
			}
			dates = append(dates, date)
			n++
		}
		these := *list
		these.Segments = list.Segments[:k+n]
		b.part.list = b.part.list.Append(hls.Addition{Of: &these, From: k, Seam: seam, Dates: dates})
		b.part.measure()
		b.last = &b.part.list.Segments[len(b.part.list.Segments)-1]
		b.end = begins[n-1].Add(b.last.Duration)
		begins, stated, k, seam = begins[n:], stated[n:], k+n, false
	}
}

// close ends the part that grows.
func (b *Broadcast) close() {
	b.part.list = b.part.list.WithEnd()
	b.full = append(b.full, b.part)
	b.part = nil
	if len(b.full) > maxFull {
		b.lost += len(b.full[0].list.Segments)
		b.full = b.full[1:]
	}
}

// End says that nothing will be added.
func (b *Broadcast) End() {
	if b.part != nil {
		b.close()
	}
	b.ended = true
}

// Flush has all that is known put, and not more than that: the daemon ends.
func (b *Broadcast) Flush() { b.flush = true }

// A Put is a playlist that is to be put.
type Put struct {
	Name     Name
	List     *hls.Playlist
	segments int
	size     int
	part     *part
}

// Next returns the playlist that is to be put now, or nil and when there may be one. The zero time is
// when something was added.
func (b *Broadcast) Next(now time.Time) (*Put, time.Time) {
	if len(b.full) > 0 {
		return b.put(b.full[0]), time.Time{}
	}
	if b.part == nil {
		return nil, time.Time{}
	}
	at := b.part.next(b.credit, b.flush, now)
	if at.IsZero() || at.After(now) {
		return nil, at
	}
	return b.put(b.part), time.Time{}
}

func (b *Broadcast) put(p *part) *Put {
	return &Put{Name: Name{b.start, p.began}, List: p.list, segments: len(p.list.Segments), size: p.size, part: p}
}

// Begin says that p is being put.
func (b *Broadcast) Begin(p *Put, now time.Time) { p.part.putAt = now }

// Done says that the bucket has what was to be put.
func (b *Broadcast) Done(p *Put) {
	p.part.put = p.segments
	if len(b.full) > 0 && b.full[0] == p.part {
		if p.List.Ended {
			b.full = b.full[1:]
		}
		return
	}
	b.credit -= min(b.credit, int64(p.size))
}

// NeedsWhole reports whether the playlist of the whole broadcast is to be made of its hours now.
func (b *Broadcast) NeedsWhole() bool {
	return b.ended && !b.whole && len(b.full) == 0 && !b.start.IsZero()
}

// WholeDone says that the whole was made, or cannot be.
func (b *Broadcast) WholeDone() { b.whole = true }

// IsDone reports whether nothing is left to do.
func (b *Broadcast) IsDone() bool { return b.ended && b.whole || b.ended && b.start.IsZero() }

// Listed returns the hours that are in memory.
func (b *Broadcast) Listed() (lists []Listed) {
	for _, p := range append(b.full[:len(b.full):len(b.full)], b.part) {
		if p != nil {
			lists = append(lists, Listed{Name{b.start, p.began}, p.list})
		}
	}
	return lists
}

// A Listed is one playlist of an archive.
type Listed struct {
	Name Name
	List *hls.Playlist
}

// Whole returns the playlist of a broadcast made of those of its hours, which are in order. It is nil
// if they have too many segments for one, or none.
func Whole(hours []*hls.Playlist) *hls.Playlist {
	n := 0
	for _, h := range hours {
		n += len(h.Segments)
	}
	if n == 0 || n > MaxWhole {
		return nil
	}
	whole := hours[0].Blank(hls.VOD, 0)
	for _, h := range hours {
		whole = whole.Append(hls.Addition{Of: h})
	}
	return whole.WithEnd()
}
