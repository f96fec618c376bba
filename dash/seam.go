package dash

import (
	"slices"
	"strconv"
	"time"
)

// How players get across a seam. The next Period begins as much later than the media before it end as
// the encoder was away. dash.js stands still there. When it has learned of the next Period, it waits
// for as long as lies in between once more, so that it is no nearer to the live edge than it was. It
// goes on at once if its position is not in the MPD's window any more, which it looks at only if it
// has left the Period before. So
//
//   - the Period before ends a blink before its media do, where players have stopped;
//   - its last segments last longer, of which nothing is to be seen, as the Period ends before. dash.js
//     looks whether its position is in the window only while it has too little media. A Period whose
//     last segment it has makes it believe that it has enough, and it begins with the next one at once.
//     So it must leave the Period before that;
//   - and until players are across, the window is no longer than what lies in between and the least
//     delay of a player: it leaves the Period before when the wait should be over.

// over returns former with the duration of the last one, which is over.
func (n *next) over(former []Period) []Period {
	if len(former) == 0 {
		return nil
	}
	former = slices.Clone(former)
	p := &former[len(former)-1]
	if _, ok := p.tag.attr("duration"); ok || p.tag.closes {
		return former
	}
	lasts, e := p.Length, editor{text: p.text}
	if n.wait(former) > 0 {
		lasts = p.played()
		for i := range p.lasts {
			p.lasts[i].stretch(&e, p.tag.from)
		}
	}
	e.insert(p.tag.to-p.tag.from-len(">"), ` duration="`+formatDuration(lasts)+`"`)
	p.text = e.bytes()
	return former
}

// stretch has the last segment of l end later, in a Period whose text begins at a place. A player that
// has that segment looks for what the Period has after it, then.
func (l *lastS) stretch(e *editor, begins int) {
	reach := uint64(float64(l.scale) * stretch.Seconds())
	if reach == 0 || l.end+reach > maxNumber || l.d.to == 0 {
		return
	}
	d := strconv.FormatUint(l.lasts+reach, 10)
	switch {
	case l.repeats == 0:
		e.changes = append(e.changes, change{l.d.from - begins, l.d.to - begins, d})
	case l.closes && e.text[l.from-begins+1] == 'S':
		e.changes = append(e.changes, change{l.r.from - begins, l.r.to - begins, strconv.FormatUint(l.repeats-1, 10)})
		e.insert(l.to-begins, `<S d="`+d+`"/>`)
	}
}

// stops returns where players come to the end of p.
func (p *Period) stops() time.Duration {
	if p.states > 0 {
		return p.Start + p.states
	}
	return p.Start + p.played()
}

// played returns for how long players play p: where one track has no more, they stop, a blink before.
// Tracks that end before the last segment of others are those that come now and then, as subtitles.
func (p *Period) played() time.Duration {
	end := p.Length
	for _, e := range p.ends {
		if e > p.Length-p.longest {
			end = min(end, e)
		}
	}
	return end - min(blink, end/2)
}

// wait returns for how long players are to stand still at the end of one of former, or 0 if the MPD
// need not end that.
func (n *next) wait(former []Period) (gap time.Duration) {
	now := &n.run.Periods[0]
	if now.Length > formerStay {
		return 0 // all are across
	}
	var listed time.Duration
	for i := range former {
		p, begins := &former[i], n.start
		if i+1 < len(former) {
			begins = former[i+1].Start
		}
		listed += p.stops() - (p.Start + p.Length - p.listed)
		gap = max(gap, begins-p.stops())
	}
	if gap <= now.longest+blink || listed > formerStay {
		return 0 // it is short, or viewers may have gone back in what is listed
	}
	return gap
}

// depth returns the timeShiftBufferDepth that gets players across the seam behind former. It is not ok
// if the writer's own will do.
func (n *next) depth(former []Period) (depth time.Duration, ok bool) {
	run, now, gap := n.run, &n.run.Periods[0], n.wait(former)
	if gap == 0 {
		return 0, false
	}
	// A player with less delay would stop again: it looks for a segment so often, and it is listed when it
	// has ended.
	least := run.duration("minimumUpdatePeriod", 0) + now.longest + time.Second
	depth = max(gap+least, run.duration("suggestedPresentationDelay", 0)+2*now.longest)
	return depth, depth < run.duration("timeShiftBufferDepth", maxTime)
}
