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
	// Discontinuities is the least discontinuity number of a new run: in step with other variants.
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
// for shown means that viewers have nothing.
//
// Later steps need no other state than what this one returned, also if it was written and parsed
// again.
func Continue(shown, run *Playlist, s Situation) (*Playlist, Join) {
	switch {
	case shown == nil:
		return run.own(), Fresh
	case len(run.Segments) == 0 && len(shown.Segments) > 0: // it says at most that it has ended
		if run.Ended {
			return shown.WithEnd(), Same
		}
		return shown, Same
	}
	n := next{shown: shown, run: run}
	if at, ok := overlap(shown, run); ok && !s.Restarted && n.goesOn(at) {
		return n.same(at), Same
	}
	if s.Watched && !s.Restarted && !shown.Ended && len(shown.Segments) > 0 {
		if at := byNumbers(shown, run); at >= int64(len(shown.Segments)) && n.goesOn(at) {
			return n.same(at), Jump
		}
	}
	if shown.Next()+uint64(len(run.Segments)) > maxNumber || s.Discontinuities > maxNumber {
		return run.own(), Fresh
	}
	return n.seam(s), Seam
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
