// Package hlscheck is a strict client of live HLS, for tests. It gets each version of a Media
// Playlist in the order in which a viewer can get them, and reports what breaks the rules of RFC
// 8216 and of its second edition for playlists that change. Its parser is its own: what it judges
// is written by other code, and it must not share the mistakes of that code.
package hlscheck

import (
	"bytes"
	"slices"
	"time"
)

// A Client is a viewer of one Media Playlist who overlooks nothing. Set the exported fields before
// the first version. Its methods are for one goroutine.
type Client struct {
	Name string // of the playlist, in findings
	// Exists reports whether a viewer can fetch what a playlist names, by its URI there. If it is
	// nil, nothing is fetched.
	Exists func(uri string) bool
	// AfterEnd is how long after its end a stream may return at the earliest; 0 is never. Its
	// segments may be all new then, and its numbers go on.
	AfterEnd time.Duration
	// AfterSilence is the same for a playlist that stood still without an end, if none of its segments
	// is listed any more: no viewer has waited for so long.
	AfterSilence time.Duration

	life     life
	versions int
}

// A life is what a client knows of a stream.
type life struct {
	content  []byte // of the newest version
	since    time.Time
	playlist *Playlist           // nil before the first version
	numbers  map[resource]uint64 // of all segments that ever were listed
	longest  time.Duration       // of the playlists with a segment that is listed or has just left
	left     []departed          // that must still be there, in the order in which they left
}

// A departed segment can be fetched until a time (6.2.2).
type departed struct {
	uri   string
	until time.Time
}

// See judges the version that a viewer gets at the time, and remembers it. A version that equals
// the one before is judged once.
func (c *Client) See(at time.Time, content []byte) []Finding {
	if c.Same(content) {
		return nil
	}
	p, j := c.judge(at, content)
	c.versions++
	c.accept(at, content, p)
	return j.of(c.Name, c.versions)
}

// Judge says what See would find, and remembers nothing.
func (c *Client) Judge(at time.Time, content []byte) []Finding {
	if c.Same(content) {
		return nil
	}
	_, j := c.judge(at, content)
	return j.of(c.Name, c.versions+1)
}

// Same reports whether the content is that of the newest version.
func (c *Client) Same(content []byte) bool {
	return c.life.playlist != nil && bytes.Equal(content, c.life.content)
}

// Playlist returns the newest version, or nil.
func (c *Client) Playlist() *Playlist { return c.life.playlist }

// Versions returns how many versions there were.
func (c *Client) Versions() int { return c.versions }

// Verify fetches all that the newest version lists, and all that left the playlist a short time
// ago.
func (c *Client) Verify(at time.Time) []Finding {
	j := judgement{}
	if c.life.playlist != nil && c.Exists != nil {
		c.fetch(j, c.life.playlist, c.life.playlist.Segments)
		for _, d := range c.life.left {
			if d.until.After(at) && !c.Exists(d.uri) {
				j.violation(Early, "%s is gone %v too early", d.uri, d.until.Sub(at))
			}
		}
	}
	return j.of(c.Name, c.versions)
}

func (c *Client) judge(at time.Time, content []byte) (*Playlist, judgement) {
	p, j := parse(content)
	old := c.life.playlist
	added := p.Segments
	if old != nil {
		c.life.follow(j, p, c.returned(at, p))
		c.gaps(j, old, p)
		added = p.Segments[min(uint64(len(p.Segments)), max(old.after(), p.Sequence)-p.Sequence):]
	}
	here := map[resource]uint64{}
	for _, s := range p.Segments {
		number, known := here[s.resource()]
		if !known {
			number, known = c.life.numbers[s.resource()]
		}
		if known && number != s.Number {
			j.violation(Number, "%v has the number %d, and has or had %d", s.resource(), s.Number, number)
		}
		here[s.resource()] = s.Number
	}
	if c.Exists != nil {
		c.fetch(j, p, added)
	}
	return p, j
}

// A way is how a version may follow the one before.
type way int

const (
	goesOn    way = iota
	afterEnd      // the stream may have returned after its end
	afterLong     // no viewer is left of those who saw the version before
)

// returned tells in which way the version p at the time follows.
func (c *Client) returned(at time.Time, p *Playlist) way {
	rested, shares := at.Sub(c.life.since), p.Sequence < c.life.playlist.after()
	switch {
	case c.life.playlist.Ended && c.AfterEnd > 0 && rested >= c.AfterEnd:
		return afterEnd
	case !c.life.playlist.Ended && !shares && c.AfterSilence > 0 && rested >= c.AfterSilence:
		return afterLong
	}
	return goesOn
}

// gaps judges segments that become gaps. The RFC has no such change. But where an object is gone,
// the tag spares viewers a request that fails, and changes nothing for those who have it.
func (c *Client) gaps(j judgement, old, p *Playlist) {
	for _, s := range p.Segments {
		was := old.segment(s.Number)
		switch {
		case was == nil || was.Gap == s.Gap:
		case was.Gap:
			j.violation(Changed, "%s is a gap no longer", s.URI)
		case c.Exists == nil || c.Exists(s.URI):
			j.violation(Changed, "%s becomes a gap, and can be fetched", s.URI)
		default:
			j.note(Changed, "%s becomes a gap", s.URI)
		}
	}
}

// fetch gets the segments of a version with their keys and maps.
func (c *Client) fetch(j judgement, p *Playlist, segments []Segment) {
	asked := map[string]bool{}
	get := func(s Segment, uri string) {
		if uri != "" && !asked[uri] && !c.Exists(uri) {
			j.violation(Missing, "%s is listed (number %d of %d to %d), and cannot be fetched", uri, s.Number,
				p.Sequence, p.after()-1)
		}
		asked[uri] = true
	}
	for _, s := range segments {
		if s.Gap {
			continue // a viewer must not fetch it
		}
		get(s, s.URI)
		for _, k := range s.Keys {
			get(s, k.URI)
		}
		if s.Map != nil {
			get(s, s.Map.URI)
		}
	}
}

// accept remembers a version.
func (c *Client) accept(at time.Time, content []byte, p *Playlist) {
	l := &c.life
	if l.numbers == nil {
		l.numbers = map[resource]uint64{}
	}
	l.left = slices.DeleteFunc(l.left, func(d departed) bool { return d.until.Before(at) })
	if l.playlist != nil {
		for _, s := range l.playlist.Segments {
			if (s.Number < p.Sequence || s.Number >= p.after()) && !s.Gap {
				l.left = append(l.left, departed{s.URI, at.Add(s.Duration + l.longest)})
			}
		}
	}
	for _, s := range p.Segments {
		l.numbers[s.resource()] = s.Number
	}
	if l.playlist != nil && p.Sequence >= l.playlist.after() {
		l.longest = 0
	}
	l.longest = max(l.longest, p.Duration())
	l.content, l.since, l.playlist = slices.Clone(content), at, p
}
