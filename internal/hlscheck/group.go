package hlscheck

import "fmt"

// A Group has the Media Playlists of one Multivariant Playlist. Their media sequences may differ;
// their discontinuity sequence numbers may not, for by these a player that changes from one to
// another finds its place (6.2.4).
type Group struct {
	// Content returns what a segment has, by its URI: the run of the stream, and a part of it. Segments
	// of other playlists with the same content have the same run and part.
	Content func(uri string) (run, part string)

	contents map[content]place
	seams    map[uint64]place // by discontinuity sequence number
	runs     map[string]place // the newest of each run
	newest   map[string]*Playlist
}

// A content is a part of a run.
type content struct{ run, part string }

// A place says where a content was seen.
type place struct {
	playlist string
	run      string
	number   uint64 // discontinuity sequence number
}

// See compares the newest version that a client has with those of the others.
func (g *Group) See(c *Client) []Finding {
	if g.newest == nil {
		g.contents, g.seams, g.runs = map[content]place{}, map[uint64]place{}, map[string]place{}
		g.newest = map[string]*Playlist{}
	}
	p, j := c.Playlist(), judgement{}
	for _, s := range p.Segments {
		run, part := g.Content(s.URI)
		is := place{c.Name, run, s.Discontinuity}
		if was, known := g.contents[content{run, part}]; known && was.number != is.number {
			j.violation(Step, "part %s of run %s has the discontinuity sequence number %d, and %d in %s", part, run,
				is.number, was.number, was.playlist)
		}
		if other, known := g.seams[is.number]; known && other.run != run {
			// The rule is about content that both have. Where variants lack different runs, as after an
			// outage, two runs may share a number until the next one begins.
			report := j.note
			if other.playlist == c.Name {
				report = j.violation
			}
			report(Step, "run %s has the discontinuity sequence number %d, which run %s has in %s", run, is.number,
				other.run, other.playlist)
		}
		// A server that has lost its place within a run must say so.
		if was, known := g.runs[run]; known && was.number < is.number {
			j.note(Step, "run %s has the discontinuity sequence number %d from part %s on, and had %d", run, is.number,
				part, was.number)
		}
		g.contents[content{run, part}], g.seams[is.number], g.runs[run] = is, is, is
	}
	g.newest[c.Name] = p
	for name, other := range g.newest {
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
