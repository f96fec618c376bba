package dash

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ems-sidecar/media"
)

// An MPD is one whose Periods can be continued.
type MPD struct {
	Start   time.Time // availabilityStartTime
	Ended   bool      // it is static: nothing follows
	Periods []Period

	text    []byte
	root    tag
	longest int // bytes of a Period's id or of a name
}

// A Period is what one run of the writer is in an MPD.
type Period struct {
	ID       string
	Start    time.Duration // since the MPD's Start
	Length   time.Duration // of the media, up to the end of the last segment
	Segments int           // of the track that has most
	Whole    bool          // all tracks list their first segment
	Named    bool          // its segments' names have the run's name in front

	tracks    int             // Representations
	states    time.Duration   // its duration, if it states one
	ends      []time.Duration // of the tracks' last segments
	lasts     []lastS         // of the tracks' timelines
	listed    time.Duration   // what its segments last
	longest   time.Duration   // what the longest segment lasts
	text      []byte          // the element
	tag       tag
	templates []attr // names of segments and of init segments
}

// Bytes returns the text. It must not be changed.
func (m *MPD) Bytes() []byte { return m.text }

// Run returns the name of the run that an MPD of the writer's own is of.
func (m *MPD) Run() string { return media.RunName(m.Start) }

// last returns the newest Period.
func (m *MPD) last() *Period { return &m.Periods[len(m.Periods)-1] }

// IsLive reports whether m can be one run of a live stream: it has one Period, has not ended, and
// its names have room for a run's name.
func (m *MPD) IsLive() bool { return len(m.Periods) == 1 && !m.Ended && m.longest <= maxName-maxRun }

// IsNewer reports whether m has media that o has not.
func (m *MPD) IsNewer(o *MPD) bool {
	mine, theirs := m.last(), o.last()
	end := m.Start.Add(mine.Start + mine.Length)
	return end.After(o.Start.Add(theirs.Start + theirs.Length))
}

// Segments returns how many segments are listed, of the track that has most.
func (m *MPD) Segments() (n int) {
	for i := range m.Periods {
		n += m.Periods[i].Segments
	}
	return n
}

// RunOf returns the name of the run that p is: of a later run, it is in the id. The first one's
// Period is as the writer wrote it.
func (m *MPD) RunOf(p *Period) string {
	if i := strings.LastIndex(p.ID, separator); i >= 0 {
		if run := p.ID[i+len(separator):]; media.IsRunName(run) {
			return run
		}
	}
	return m.Run()
}

// separator stands between the writer's id and the run's name. EMS's id is rms-dash.
const separator = "--"

// Began returns the availabilityStartTime of an MPD of which head is the beginning.
func Began(head []byte) (began time.Time, ok bool) {
	s := scanner{text: head}
	t, err := s.next()
	if err != nil || t == nil || t.name != "MPD" {
		return began, false
	}
	a, ok := t.attr("availabilityStartTime")
	if !ok {
		return began, false
	}
	began, err = parseTime(string(head[a.from:a.to]))
	return began, err == nil
}

// Parse reads an MPD. It is an error if it cannot be continued. text must not be changed after.
func Parse(text []byte) (*MPD, error) {
	m := &MPD{text: text}
	s := scanner{text: text}
	var open []string // elements
	var period *Period
	var line timeline
	for {
		t, err := s.next()
		if err != nil {
			return nil, fmt.Errorf("MPD: %w", err)
		}
		if t == nil {
			break
		}
		switch {
		case t.opens && len(open) == 0:
			if t.name != "MPD" || m.root.to > 0 {
				return nil, fmt.Errorf("MPD: it has the root %.40q", t.name)
			}
			m.root = *t
			m.root.attrs = append([]attr(nil), t.attrs...)
			err = m.readRoot()
		case t.opens && len(open) == 1 && t.name == "Period":
			if period, err = m.addPeriod(t); err == nil {
				line = timeline{}
			}
		case t.opens && period != nil:
			err = m.readElement(period, t, &line)
		}
		if err != nil {
			return nil, fmt.Errorf("MPD: %w", err)
		}
		if t.opens && !t.closes {
			open = append(open, t.name)
			if len(open) > maxDepth {
				return nil, errors.New("MPD: it is too deep")
			}
			continue
		}
		if !t.opens {
			if len(open) == 0 || open[len(open)-1] != t.name {
				return nil, fmt.Errorf("MPD: %.40q ends where it did not begin", t.name)
			}
			open = open[:len(open)-1]
		}
		if t.name == "Period" && len(open) == 1 && period != nil {
			if err := line.close(period); err != nil {
				return nil, fmt.Errorf("MPD: %w", err)
			}
			period.text = text[period.tag.from:t.to]
			period = nil
		}
	}
	switch {
	case len(open) > 0 || m.root.to == 0:
		return nil, fmt.Errorf("MPD: %w", errCut)
	case len(m.Periods) == 0:
		return nil, errors.New("MPD: it has no Period")
	case m.Start.IsZero():
		return nil, errors.New("MPD: it has no availabilityStartTime, so that it does not say when its run began")
	}
	for i := range m.Periods {
		p := &m.Periods[i]
		p.Named = len(p.templates) > 0 && !slices.ContainsFunc(p.templates, func(a attr) bool {
			dir := text[a.from:base(text, a)]
			return !bytes.HasSuffix(dir, []byte(m.RunOf(p)+"/"))
		})
	}
	return m, nil
}

func (m *MPD) value(a attr) string { return string(m.text[a.from:a.to]) }

// duration returns an attribute of the MPD element, or other if there is none that can be read.
func (m *MPD) duration(name string, other time.Duration) time.Duration {
	a, ok := m.root.attr(name)
	if !ok {
		return other
	}
	d, err := parseDuration(m.value(a))
	if err != nil {
		return other
	}
	return d
}

// readRoot reads the attributes of the MPD element.
func (m *MPD) readRoot() (err error) {
	m.Ended = true // the default of @type
	for _, a := range m.root.attrs {
		switch a.name {
		case "type":
			m.Ended = m.value(a) != "dynamic"
		case "availabilityStartTime":
			m.Start, err = parseTime(m.value(a))
		}
		if err != nil {
			return fmt.Errorf("availabilityStartTime: %w", err)
		}
	}
	return nil
}

// addPeriod adds the Period that begins with t.
func (m *MPD) addPeriod(t *tag) (*Period, error) {
	if len(m.Periods) == maxPeriods {
		return nil, fmt.Errorf("it has more than %d Periods", maxPeriods)
	}
	p := Period{tag: *t, Whole: true}
	p.tag.attrs = append([]attr(nil), t.attrs...)
	for _, a := range p.tag.attrs {
		switch a.name {
		case "id":
			if p.ID = m.value(a); len(p.ID) > maxName || strings.ContainsAny(p.ID, `&<"'`) {
				return nil, errors.New("a Period has an id that is not read")
			}
			m.longest = max(m.longest, len(p.ID))
		case "start":
			var err error
			if p.Start, err = parseDuration(m.value(a)); err != nil {
				return nil, fmt.Errorf("a Period's start: %w", err)
			}
		case "duration":
			p.states, _ = parseDuration(m.value(a)) // one that is not read says nothing
		}
	}
	if _, ok := p.tag.attr("start"); !ok && len(m.Periods) > 0 {
		return nil, errors.New("a Period has no start")
	}
	m.Periods = append(m.Periods, p)
	return m.last(), nil
}

// readElement reads an element in p.
func (m *MPD) readElement(p *Period, t *tag, line *timeline) error {
	for _, a := range t.attrs {
		if strings.HasSuffix(a.name, ":href") {
			return fmt.Errorf("a part of it is in another file: %.40q", m.value(a))
		}
	}
	switch t.name {
	case "BaseURL", "SegmentList", "SegmentBase":
		return fmt.Errorf("its names are told by %s", t.name)
	case "Representation":
		p.tracks++
		if a, ok := t.attr("id"); ok && bytes.ContainsAny(m.text[a.from:a.to], "/&") {
			return errors.New("the id of a Representation is a path")
		}
	case "SegmentTemplate":
		return m.readTemplate(p, t, line)
	case "S":
		return line.add(m.text, t)
	}
	return nil
}

// readTemplate reads a SegmentTemplate.
func (m *MPD) readTemplate(p *Period, t *tag, line *timeline) error {
	if err := line.close(p); err != nil {
		return err
	}
	if err := line.begin(m.text, t); err != nil {
		return err
	}
	if line.templates++; line.templates > maxTemplates {
		return fmt.Errorf("a Period has more than %d SegmentTemplates", maxTemplates)
	}
	for _, a := range t.attrs {
		switch a.name {
		case "duration":
			return errors.New("its segments follow from the clock")
		case "index", "bitstreamSwitching":
			return fmt.Errorf("it has an attribute %q", a.name)
		case "media", "initialization":
			if err := checkTemplate(m.text[a.from:a.to]); err != nil {
				return err
			}
			p.templates = append(p.templates, a)
			m.longest = max(m.longest, a.to-a.from)
		}
	}
	return nil
}

// checkTemplate reports an error if a directory cannot be put in front of the last part of text.
func checkTemplate(text []byte) error {
	if len(text) == 0 || len(text) > maxName || text[0] == '/' || text[len(text)-1] == '/' ||
		bytes.ContainsAny(text, "?#&\\<>") || bytes.Contains(text, []byte("://")) {
		return fmt.Errorf("a directory cannot be put into the name %.80q", text)
	}
	return nil
}
