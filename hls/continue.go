package hls

import "fmt"

// A Situation is what is known of a playlist and its writer besides the two texts.
type Situation struct {
	// Restarted: it is known that the writer started again after shown was made, whatever the names
	// say: segments of shown that share a name with run have other content.
	Restarted bool
	// Watched: the writer was watched since shown was published, or [SameRun] has proved that it is
	// the same run: if its numbers did not fall, it did not start again.
	Watched bool
	// TooOld: viewers of shown have left. A new run has none of its segments before it. It counts as
	// set if shown has ended.
	TooOld bool
	// Returns reports whether the name that a URI means may come back with the content of another
	// run: then only numbers tell which segment it is, and what the writer does not list any more
	// cannot be listed for longer. nil: no name does.
	Returns func(uri string) bool
	// Discontinuities is the least discontinuity number of a new run, or of one of which viewers have
	// nothing: in step with other variants.
	Discontinuities uint64
}

// A Join says how a run goes on from what viewers have.
type Join uint8

const (
	// Same is the run that viewers have, one or more segments later.
	Same Join = iota
	// Jump is the run that viewers have, so much later that nothing of what they have is listed.
	Jump
	// Seam is a new run.
	Seam
	// Fresh is a run that has nothing to go on from: viewers have nothing.
	Fresh
)

func (j Join) String() string {
	if int(j) < len(joins) {
		return joins[j]
	}
	return fmt.Sprintf("Join(%d)", uint8(j))
}

var joins = [...]string{Same: "same", Jump: "jump", Seam: "seam", Fresh: "fresh"}

// Continue returns what viewers get after shown, where run is the writer's playlist. It is run itself
// as long as the writer's own words will do: it never started again, and its numbers are right. nil
// for shown means that viewers have nothing; of the situation, only Discontinuities counts then.
//
// Later steps need no other state than what this one returned, also if it was written and parsed
// again.
func Continue(shown, run *Playlist, s Situation) (*Playlist, Join) {
	switch {
	case shown == nil:
		return run.begun(s.Discontinuities), Fresh
	case len(run.Segments) == 0 && len(shown.Segments) > 0: // it says at most that it has ended
		if run.Ended {
			return shown.WithEnd(), Same
		}
		return shown, Same
	}
	n := next{shown: shown, run: run, returns: s.Returns}
	switch at, join := n.join(s); join {
	case Same, Jump:
		return n.same(at), join
	case Seam:
		return n.seam(s), Seam
	}
	return run.own(), Fresh
}

// join tells how run goes on from shown. The same run begins at segment at of shown, or later than
// shown ends.
func (n *next) join(s Situation) (at int64, j Join) {
	shown, run := n.shown, n.run
	if !s.Restarted {
		if at, ok := n.overlap(); ok && n.goesOn(at) {
			return at, Same
		}
		watched := s.Watched && !shown.Ended && len(shown.Segments) > 0
		if at := byNumbers(shown, run); watched && at >= int64(len(shown.Segments)) && n.goesOn(at) {
			return at, Jump
		}
	}
	if shown.Next()+uint64(len(run.Segments)) > maxNumber || s.Discontinuities > maxNumber {
		return 0, Fresh
	}
	return 0, Seam
}

// begun returns what viewers get who have nothing: the writer's own playlist, except that its first
// segment has at least this discontinuity number, as in other variants. Its newest segments have
// dates then, as in all that follows.
func (p *Playlist) begun(number uint64) *Playlist {
	q := p.own()
	if len(q.Segments) == 0 || number > maxNumber || q.discontinuity(0) >= number {
		return q
	}
	q = q.changed()
	q.Continued = true
	q.DiscontinuitySequence += number - q.discontinuity(0)
	n := next{shown: new(Playlist), run: p, first: p.Sequence}
	q.Segments = n.dated(q)
	return q
}

// own returns the writer's own playlist. If it says that it was continued, that is not true: it may
// be a copy of what was published once.
func (p *Playlist) own() *Playlist {
	if !p.Continued {
		return p
	}
	q := p.changed()
	q.Continued, q.Offset, q.Run = false, 0, 0
	return q
}
