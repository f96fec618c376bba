package hls

import (
	"strings"
	"time"
)

// A collection is a list of segments from many playlists: an hour of a stream, a clip. It is not the
// writer's playlist, which lists what it wants to.

// Types of a Playlist.
const (
	Live  = ""    // segments leave the list at its head
	Event = event // segments are only added
	VOD   = vod   // nothing is added
)

// Blank returns an empty playlist of a type with the head of p, for segments from segment k of p on.
func (p *Playlist) Blank(kind string, k int) *Playlist {
	q := &Playlist{
		Sequence: p.Sequence + uint64(k), DiscontinuitySequence: p.DiscontinuitySequence, Version: p.Version,
		TargetDuration: p.TargetDuration, Type: kind,
		writing: writing{target: strings.Clone(p.target), eol: strings.Clone(p.eol)},
	}
	if k > 0 {
		q.DiscontinuitySequence = p.discontinuity(k - 1)
	}
	for _, line := range p.head {
		if tag, _ := tagOf(line); tag != tagStart && tag != tagType {
			q.head = append(q.head, strings.Clone(line))
		}
	}
	return q
}

// An Addition is what is added to a collection.
type Addition struct {
	Of   *Playlist
	From int // the first segment of it; the one before is the last one of the collection, except at a seam
	// Seam: the first segment does not follow from the last one of the collection.
	Seam bool
	// Dates has when each of the segments begins, if that is to be stated, else the zero time. One
	// that has a tag keeps it. It may be nil.
	Dates []time.Time
}

// Append returns p with more segments behind its own. What stands before them in their own playlist,
// and is in effect there, is stated where it is needed, and so are initialization vectors that would
// change with the numbers. Append is called once for each value of p: the next one shares its memory.
// It shares none with the addition, of which most may be forgotten soon.
func (p *Playlist) Append(a Addition) *Playlist {
	q := p.changed()
	more := a.Of
	for i := a.From; i < len(more.Segments); i++ {
		s := more.Segments[i]
		have := q.effectAtEnd()
		if i == a.From {
			var before *effect
			if i > 0 {
				before = more.Segments[i-1].effect
			}
			s.stand(have, before, q.eol)
			if a.Seam && s.Discontinuities == 0 {
				s.Discontinuities, s.text = 1, q.line(tagDiscontinuity)+s.text
			}
		}
		if n := more.Sequence + uint64(i); n != q.Next() && s.effect.numbered() {
			q.Version = max(q.Version, 2) // of the IV attribute
			s.text = withVectors(s.text, s.effect, n, q.eol)
			s.noted(have)
		}
		if k := i - a.From; k < len(a.Dates) && !a.Dates[k].IsZero() && s.date == "" {
			s.date = a.Dates[k].UTC().Format(dateLayout)
			s.text = q.line(tagDate, ":", s.date) + s.text
		}
		q.Segments = append(q.Segments, s.alone(have))
	}
	q.Version = max(q.Version, more.Version)
	if more.TargetDuration > q.TargetDuration {
		q.TargetDuration, q.target = more.TargetDuration, strings.Clone(more.target)
	}
	return q
}

// dateLayout is how EXT-X-PROGRAM-DATE-TIME is written (RFC 8216, section 4.3.2.6).
const dateLayout = "2006-01-02T15:04:05.000Z07:00"

func (p *Playlist) effectAtEnd() *effect {
	if n := len(p.Segments); n > 0 {
		return p.Segments[n-1].effect
	}
	return nil
}

// alone returns the segment, which stands where have is in effect, without the memory of the
// playlist in which it was read.
func (s Segment) alone(have *effect) Segment {
	s.text = strings.Clone(s.text)
	if at := strings.LastIndex(s.text, s.URI); at >= 0 {
		s.URI = s.text[at : at+len(s.URI)]
	} else {
		s.URI = strings.Clone(s.URI)
	}
	s.date = strings.Clone(s.date)
	s.effect = have
	if s.marks > 0 {
		if s.effect = have.afterAll(s.text); s.effect.same(have) {
			s.effect = have
		}
	}
	return s
}

// IsSame reports whether s and t are the same part of the same file.
func (s *Segment) IsSame(t *Segment) bool { return s.same(t) }

// IsEncrypted reports whether a key is in effect for the segment.
func (s *Segment) IsEncrypted() bool { return len(s.Keys()) > 0 }

// Behind returns the playlist without its first k segments.
func (p *Playlist) Behind(k int) *Playlist { return p.from(k) }

// Length is how many bytes the playlist has.
func (p *Playlist) Length() int {
	n := len(p.header()) + len(p.foot) + len(p.end)
	for i := range p.Segments {
		n += len(p.Segments[i].text)
	}
	return n
}

// Seams returns how many discontinuities the playlist has, except at its beginning.
func (p *Playlist) Seams() (n int) {
	for i := range p.Segments {
		if i > 0 && p.Segments[i].Discontinuities > 0 {
			n++
		}
	}
	return n
}
