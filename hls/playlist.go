package hls

import (
	"slices"
	"strings"
	"time"
)

// A Playlist is a Media Playlist. What the methods return shares memory with it; nothing of it is
// ever changed.
type Playlist struct {
	// Sequence is the media sequence number of the first listed segment, and DiscontinuitySequence
	// the discontinuity number before it: EXT-X-DISCONTINUITY tags of the first segment come on top.
	Sequence, DiscontinuitySequence uint64
	Version                         int           // 1 if the playlist does not tell
	TargetDuration                  time.Duration // some writers state fractions
	Type                            string        // EVENT, VOD, or "" for a rolling list
	Ended                           bool
	// Continued: the playlist has a line that says how it was continued. From then on, its numbers
	// and what it states never go back, whatever the writer does.
	Continued bool
	// Offset is the public number of a segment of the present run, less its number in the writer's
	// playlist.
	Offset int64
	// Run is the public number of the first segment of the present run, as long as segments of
	// former runs are listed before it: the tail. 0: none are.
	Run      uint64
	Segments []Segment

	writing
}

// A writing is how a Playlist was written, so that what is not changed is written so again.
type writing struct {
	raw    []byte   // what was parsed; nil if something was changed
	head   []string // the lines before the first segment, without our own line
	foot   string   // the lines behind the last segment, without EXT-X-ENDLIST
	end    string   // the line EXT-X-ENDLIST
	target string   // the value of EXT-X-TARGETDURATION, as it was written
	eol    string   // ends lines that are inserted
}

// A Segment is a Media Segment with the lines that belong to it.
type Segment struct {
	URI      string
	Duration time.Duration
	Range    Range
	// Discontinuities is how many EXT-X-DISCONTINUITY tags stand before it. Each one counts.
	Discontinuities int
	Gap             bool

	// follows: its EXT-X-BYTERANGE has no offset, and means the bytes behind the segment before.
	follows bool
	marks   int32   // how many EXT-X-KEY and EXT-X-MAP lines it has
	text    string  // its lines, byte for byte, each with its end
	effect  *effect // the keys and the map in effect; nil: none
	date    string  // the value of its own EXT-X-PROGRAM-DATE-TIME
}

// A Range is the part of a file that a segment is. Its Length is 0 if it is the whole file.
type Range struct{ Length, Offset uint64 }

// Next is the number that the next segment will get.
func (p *Playlist) Next() uint64 { return p.Sequence + uint64(len(p.Segments)) }

// Last is the number of the last listed segment.
func (p *Playlist) Last() uint64 { return max(p.Next(), 1) - 1 }

// Rolling says whether segments leave the list at its head.
func (p *Playlist) Rolling() bool { return p.Type == "" }

// Keys returns the keys in effect for the segment.
func (s *Segment) Keys() []Key {
	if s.effect == nil {
		return nil
	}
	return s.effect.keys
}

// Map returns the Media Initialization Section in effect for the segment, or nil.
func (s *Segment) Map() *Map {
	if s.effect == nil {
		return nil
	}
	return s.effect.init
}

func (s *Segment) same(t *Segment) bool { return s.URI == t.URI && s.Range == t.Range }

// Duration returns how long the listed segments last together.
func (p *Playlist) Duration() time.Duration { return duration(p.Segments) }

// duration is how much media the segments have.
func duration(segments []Segment) (d time.Duration) {
	for i := range segments {
		d += segments[i].Duration
	}
	return d
}

// discontinuity is the discontinuity number of segment i.
func (p *Playlist) discontinuity(i int) uint64 {
	n := p.DiscontinuitySequence
	for _, s := range p.Segments[:i+1] {
		n += uint64(s.Discontinuities)
	}
	return n
}

// changed returns a copy of p whose bytes are not what was parsed.
func (p *Playlist) changed() *Playlist {
	q := *p
	q.raw = nil
	return &q
}

// WithoutEnd returns the playlist as one to which segments may be added. A list of type VOD cannot
// be one, and becomes one of type EVENT.
func (p *Playlist) WithoutEnd() *Playlist {
	if !p.Ended && p.Type != vod {
		return p
	}
	q := p.changed()
	q.Ended, q.end = false, ""
	if q.Type == vod {
		q.Type = event
	}
	return q
}

// WithEnd returns the playlist with EXT-X-ENDLIST.
func (p *Playlist) WithEnd() *Playlist {
	if p.Ended {
		return p
	}
	q := p.changed()
	q.Ended, q.end = true, tagEnd+q.eol
	return q
}

// line returns text as one line of the playlist.
func (p *Playlist) line(text ...string) string { return strings.Join(text, "") + p.eol }

// references is how many different URIs the segments name. A key or map that returns after another
// one counts again.
func references(segments []Segment) int {
	n := len(segments)
	var before *effect
	for i := range segments {
		now := segments[i].effect
		if segments[i].marks == 0 && i > 0 || now == before {
			continue
		}
		for _, k := range now.allKeys() {
			if k.URI != "" && !slices.ContainsFunc(before.allKeys(), func(b Key) bool { return b.URI == k.URI }) {
				n++
			}
		}
		if m := now.initMap(); m != nil && (before.initMap() == nil || before.init.URI != m.URI) {
			n++
		}
		before = now
	}
	return n
}
