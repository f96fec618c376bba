package dash

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A seam is where one Period ends and the next begins. Between the two lies a gap: the time for which
// the encoder was away. dash.js stands still at it. When it has learned of the next Period, it waits
// for the length of the gap once more, to stay as far behind the live edge as it was. It does not wait
// if its position has left the MPD's window. It checks that only while it knows that it lacks media,
// and it believes that it lacks none once it has the last segment of a Period. So, of the MPD:
//
//   - The former Period ends a blink before its media do. Players have stopped there.
//   - Its last segments are said to last longer. The Period ends before that, so that nothing of it is
//     shown. dash.js asks for more, and leaves the Period before it buffers the next one.
//   - The window is the gap and the least delay of a player. The former Period leaves the window when
//     the wait should be over. After that, the window is the writer's again.
//
// Shaka Player goes on when it has buffered minBufferTime of the next Period. By then it is further
// behind, and a window that stayed so short would throw it forward. It removes segments from its index
// when they leave the window. If the MPD still lists them, it removes and counts them again with each
// version, and loses its place in the next Period for good. So the MPD does not list what has left the
// window. It keeps the last segment of each track, which dash.js needs until it is across.

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

// stretch has the last segment of l end later. begins is where the text of its Period begins.
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

// wait returns the longest gap at which players stand still, behind one of former. It is 0 if the MPD
// does nothing about that: the gap is short, or all players are across.
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
		gap = max(gap, begins-p.stops())
		if listed += p.stops() - (p.Start + p.Length - p.listed); listed > formerStay {
			return 0 // viewers may have gone back in what is listed
		}
	}
	if gap <= now.longest+blink {
		return 0
	}
	return gap
}

// A window is how far back players may go behind a seam.
type window struct {
	depth time.Duration // the MPD states it while it is short; what lies beyond is not listed, then or later
	state windowState
}

type windowState uint8

const (
	writers windowState = iota // players see the writer's own
	short                      // the former Period leaves it
	across                     // the former Period has left it, and it is the writer's again
)

// window returns the one that gets players across the seam behind former.
func (n *next) window(former []Period) window {
	run, now, gap := n.run, &n.run.Periods[0], n.wait(former)
	own := run.duration("timeShiftBufferDepth", maxTime)
	if gap == 0 {
		return window{own, writers}
	}
	// A player learns of a segment when that has ended, and when it asks for the MPD next. With less delay
	// it would stop again.
	asks := run.duration("minimumUpdatePeriod", 0)
	depth := max(gap+asks+now.longest+time.Second, run.duration("suggestedPresentationDelay", 0)+2*now.longest)
	switch {
	case depth >= own:
		return window{own, writers}
	case now.Length > depth-gap+asks+now.longest: // all have asked since the former Period left it
		return window{depth, across}
	}
	return window{depth, short}
}

// unlist returns m without the segments of former Periods that leave the window w before the next
// version comes. The last one of each track stays.
func (n *next) unlist(m *MPD, w window) *MPD {
	now, e := &n.run.Periods[0], editor{text: m.text}
	reaches := n.start + now.Length + now.longest + time.Second - w.depth // back to here
	for i := range m.Periods[:len(m.Periods)-1] {
		p := &m.Periods[i]
		if reaches <= p.Start+p.Length-p.longest {
			continue
		}
		for _, l := range p.lasts {
			if l.closes && (l.first < l.from || l.repeats > 0) {
				e.changes = append(e.changes, change{l.first, l.to,
					fmt.Sprintf(`<%s t="%d" d="%d"/>`, l.element(m.text), l.end-l.lasts, l.lasts)})
			}
		}
	}
	if len(e.changes) == 0 {
		return m
	}
	cut, err := Parse(e.bytes())
	if err != nil {
		return m // what was made of one that was read can be read
	}
	return cut
}

// element returns the name of the element, with the prefix of its namespace.
func (l *lastS) element(text []byte) []byte {
	name := text[l.from+1:]
	return name[:bytes.IndexAny(name, " \t\r\n/>")]
}
