package hlscheck

import "fmt"

// A Group has the Media Playlists of one Multivariant Playlist. Their media sequences may differ;
// their discontinuity sequence numbers may not, for by these a player that changes from one to
// another finds its place (6.2.4).
type Group struct {
	// Run returns which run of the stream a segment is of, by its URI: the same text in all
	// playlists.
	Run func(uri string) string

	runs  map[string]place // by run
	seams map[uint64]place // by discontinuity sequence number
	ends  map[string]*Playlist
}

// A place says where a run was seen first.
type place struct {
	playlist string
	run      string
	number   uint64
}

// See compares the newest version that a client has with those of the others.
func (g *Group) See(c *Client) []Finding {
	if g.runs == nil {
		g.runs, g.seams, g.ends = map[string]place{}, map[uint64]place{}, map[string]*Playlist{}
	}
	p, j := c.Playlist(), judgement{}
	for _, s := range p.Segments {
		is := place{c.Name, g.Run(s.URI), s.Discontinuity}
		was, known := g.runs[is.run]
		if known && was.number != is.number {
			j.violation(Step, "run %s has the discontinuity sequence number %d, and %d in %s", is.run, is.number,
				was.number, was.playlist)
		}
		other, known := g.seams[is.number]
		if known && other.run != is.run {
			j.violation(Step, "run %s has the discontinuity sequence number %d, which run %s has in %s", is.run,
				is.number, other.run, other.playlist)
		}
		g.runs[is.run], g.seams[is.number] = is, is
	}
	g.ends[c.Name] = p
	for name, other := range g.ends {
		if other.Target != p.Target || other.Type != p.Type {
			// A viewer cannot get both at one time, so one may be a version behind.
			j.note(Step, "it has %s, and %s has %s", p.kind(), name, other.kind())
		}
	}
	return j.of(c.Name, c.versions)
}

func (p *Playlist) kind() string {
	return fmt.Sprintf("a target duration of %v and the type %q", p.Target, p.Type)
}
