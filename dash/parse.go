package dash

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Parse reads an MPD. It is an error if it cannot be continued. text must not be changed after.
func Parse(text []byte) (*MPD, error) {
	r := reader{mpd: &MPD{text: text}}
	if err := r.read(); err != nil {
		return nil, fmt.Errorf("MPD: %w", err)
	}
	return r.mpd, nil
}

// A reader reads an MPD tag by tag.
type reader struct {
	mpd    *MPD
	open   []string // elements that have begun, and have not ended
	period *Period  // that has; nil: none
	line   timeline // of period
}

func (r *reader) read() error {
	s := scanner{text: r.mpd.text}
	for {
		t, err := s.next()
		switch {
		case err != nil:
			return err
		case t == nil && len(r.open) > 0:
			return errCut
		case t == nil:
			return r.mpd.complete()
		}
		if t.opens {
			err = r.begin(t)
		}
		if err == nil && t.closes {
			err = r.end(t)
		}
		if err != nil {
			return err
		}
	}
}

// begin reads the start of an element.
func (r *reader) begin(t *tag) (err error) {
	switch {
	case len(r.open) == 0:
		err = r.mpd.readRoot(t)
	case len(r.open) == 1 && t.name == "Period":
		r.period, err = r.mpd.addPeriod(t)
		r.line = timeline{}
	case r.period != nil:
		err = r.mpd.readElement(r.period, t, &r.line)
	}
	if err != nil || t.closes {
		return err
	}
	if len(r.open) == maxDepth {
		return errors.New("it is too deep")
	}
	r.open = append(r.open, t.name)
	return nil
}

// end reads the end of an element, which may be empty.
func (r *reader) end(t *tag) error {
	if !t.opens {
		last := len(r.open) - 1
		if last < 0 || r.open[last] != t.name {
			return fmt.Errorf("%.40q ends where it did not begin", t.name)
		}
		r.open = r.open[:last]
	}
	if p := r.period; p != nil && t.name == "Period" && len(r.open) == 1 {
		if err := r.line.close(p); err != nil {
			return err
		}
		p.text = r.mpd.text[p.tag.from:t.to]
		r.period = nil
	}
	return nil
}

// complete looks at what all of the text has told.
func (m *MPD) complete() error {
	switch {
	case m.root.to == 0:
		return errCut
	case len(m.Periods) == 0:
		return errors.New("it has no Period")
	case m.Start.IsZero():
		return errors.New("it has no availabilityStartTime, so that it does not say when its run began")
	}
	for i := range m.Periods {
		p := &m.Periods[i]
		p.Named = m.isNamed(p)
	}
	return nil
}

// isNamed reports whether all names of segments in p have the run's name in front.
func (m *MPD) isNamed(p *Period) bool {
	return len(p.templates) > 0 && !slices.ContainsFunc(p.templates, func(a attr) bool {
		dir := m.text[a.from:base(m.text, a)]
		return !bytes.HasSuffix(dir, []byte(m.RunOf(p)+"/"))
	})
}

// readRoot reads the MPD element.
func (m *MPD) readRoot(t *tag) (err error) {
	if t.name != "MPD" || m.root.to > 0 {
		return fmt.Errorf("it has the root %.40q", t.name)
	}
	m.root = *t
	m.root.attrs = append([]attr(nil), t.attrs...)
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
