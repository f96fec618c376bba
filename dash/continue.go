package dash

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"ems-sidecar/media"
)

// A Situation is what is known of an MPD and its writer besides the two texts.
type Situation struct {
	// Named: the bucket has the run's segments in directories with the run's name. Without it, they
	// replace those of the run before, which then cannot be listed any more, unless they are Unique.
	Named bool
	// Unique: no segment of the run has a name that another run had, so that those of former runs stay
	// what they are.
	Unique bool
	// Restarted: it is known that run is not the run which viewers have.
	Restarted bool
	// TooOld: viewers of shown have left. A new run has no Periods of others before it.
	TooOld bool
}

// A Join says how a run goes on from what viewers have.
type Join uint8

const (
	// Same is the run that viewers have.
	Same Join = iota
	// Seam is a new run.
	Seam
	// Fresh is a run that has nothing to go on from: viewers have nothing, or the writer's clock was set
	// back, and they would wait too long for its Period.
	Fresh
)

func (j Join) String() string {
	if int(j) < len(joins) {
		return joins[j]
	}
	return fmt.Sprintf("Join(%d)", uint8(j))
}

var joins = [...]string{Same: "same", Seam: "seam", Fresh: "fresh"}

// Continue returns what viewers get after shown, where run is the writer's MPD. It is run itself as
// long as the writer's own words will do: it never started again. nil for shown means that viewers
// have nothing.
//
// Later steps need no other state than what this one returned, also if it was written and parsed
// again.
func Continue(shown, run *MPD, s Situation) (*MPD, Join) {
	switch {
	case !run.IsLive():
		return run, Fresh // it has Periods of its own, or has ended
	case shown == nil:
		return run.fresh(s), Fresh
	}
	if run.Periods[0].Segments == 0 && shown.Segments() > 0 {
		return shown, Same // it has nothing to play yet
	}
	if shown.RunOf(shown.last()) == run.Run() {
		return shown.grown(run, s)
	}
	return shown.joined(run, s)
}

// grown returns m as it goes on with run, which is the run of its last Period.
func (m *MPD) grown(run *MPD, s Situation) (*MPD, Join) {
	last := m.last()
	switch {
	case s.Restarted:
		return run.fresh(s), Fresh // its times begin again, and its clock does not
	case run.Periods[0].Length < last.Length:
		return m, Same // it is older
	}
	n := next{run: run, start: last.Start, id: last.ID, named: s.Named}
	return n.edit(m.Start, run.former(m.Periods[:len(m.Periods)-1])), Same
}

// joined returns m as it goes on with run, which is another one. Its clock tells when it began, but it
// begins no earlier than what viewers have ends.
func (m *MPD) joined(run *MPD, s Situation) (*MPD, Join) {
	last, now := m.last(), &run.Periods[0]
	start, end := (run.Start.Sub(m.Start) + now.Start).Round(precision), last.Start+last.Length
	if late := end - start; late > maxLate || max(start, end)+now.Length > maxTime {
		return run.fresh(s), Fresh
	}
	former := m.Periods
	if !s.Named && !s.Unique || s.TooOld || m.Ended || !run.namespacesAre(m) {
		former = nil
	}
	n := next{run: run, start: max(start, end), id: now.ID + separator + run.Run(), named: s.Named}
	return n.edit(m.Start, run.former(n.over(former))), Seam
}

// fresh returns m, which is the writer's own, for viewers who have nothing.
func (m *MPD) fresh(s Situation) *MPD {
	p := &m.Periods[0]
	n := next{run: m, start: p.Start, id: p.ID, named: s.Named}
	return n.edit(m.Start, nil)
}

// former returns those of the Periods before m that stay. As long as a run lists its first segment,
// what viewers had before stays in front of it. When it rolls, its list is as long as it will ever
// be; but a player stands still for good if the Period is taken away that it plays.
func (m *MPD) former(all []Period) []Period {
	now := &m.Periods[0]
	if !now.Whole && now.Length > formerStay {
		return nil
	}
	size, files := len(m.text), now.files()
	for i, q := range slices.Backward(all) {
		size, files = size+len(q.text)+maxIndent, files+q.files()
		if size > maxText || files > media.MaxReferences || len(all)-i >= maxPeriods {
			return all[i+1:]
		}
	}
	return all
}

// files returns how many files p names at most.
func (p *Period) files() int64 { return int64(p.tracks) * int64(p.Segments+1) }

// A next is the MPD of a run as it goes on.
type next struct {
	run   *MPD
	start time.Duration // of its Period
	id    string
	named bool
}

// edit returns it with the Periods of former runs in front.
func (n *next) edit(began time.Time, former []Period) *MPD {
	run, p := n.run, &n.run.Periods[0]
	e := editor{text: run.text}
	if !began.Equal(run.Start) {
		e.set(&run.root, "availabilityStartTime", began.Format(time.RFC3339Nano))
	}
	if a, ok := run.root.attr("mediaPresentationDuration"); ok {
		if d, err := parseDuration(run.value(a)); err == nil {
			e.set(&run.root, "mediaPresentationDuration", formatDuration(n.start+d))
		}
	}
	w := n.window(former)
	if w.state == short {
		e.set(&run.root, "timeShiftBufferDepth", formatDuration(w.depth))
	}
	gap := run.text[max(p.indent(run.text), p.tag.from-maxIndent):p.tag.from]
	for _, f := range former {
		e.insert(p.tag.from, string(f.text)+string(gap))
	}
	if n.id != p.ID {
		e.set(&p.tag, "id", n.id)
	}
	if n.start != p.Start {
		e.set(&p.tag, "start", formatDuration(n.start))
	}
	if n.named {
		for _, a := range p.templates {
			e.insert(base(run.text, a), run.Run()+"/")
		}
	}
	text := e.bytes()
	if bytes.Equal(text, run.text) {
		return run
	}
	m, err := Parse(text)
	if err != nil {
		return run // what was made of two that were read can be read
	}
	return n.unlist(m, w)
}

// namespacesAre reports whether m declares the namespaces that o does: elements of o mean the same in
// m then.
func (m *MPD) namespacesAre(o *MPD) bool { return slices.Equal(m.namespaces(), o.namespaces()) }

func (m *MPD) namespaces() (all []string) {
	for _, a := range m.root.attrs {
		if strings.HasPrefix(a.name, "xmlns") {
			all = append(all, a.name+"="+m.value(a))
		}
	}
	slices.Sort(all)
	return all
}

// indent returns where the white space in front of p begins.
func (p *Period) indent(text []byte) int {
	at := p.tag.from
	for at > 0 && isSpace(text[at-1]) {
		at--
	}
	return at
}

// base returns where the last part of a name begins.
func base(text []byte, a attr) int {
	at := a.to
	for at > a.from && text[at-1] != '/' {
		at--
	}
	return at
}

// WithEnd returns m as one that has ended.
func (m *MPD) WithEnd() *MPD {
	if m.Ended {
		return m
	}
	e := editor{text: m.text}
	e.set(&m.root, "type", "static")
	e.remove(&m.root, "minimumUpdatePeriod")
	e.remove(&m.root, "timeShiftBufferDepth")
	e.set(&m.root, "mediaPresentationDuration", formatDuration(m.last().Start+m.last().Length))
	ended, err := Parse(e.bytes())
	if err != nil {
		return m
	}
	return ended
}
