package dash

import (
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
