package dash

import (
	"errors"
	"slices"
	"strings"
	"time"

	"ems-sidecar/media"
)

var errNoEnd = errors.New("MPD: it is not the end of what viewers have")

// Reopen reads text, in which the writer has ended its run, as a live MPD: with the attributes that
// before has and an end does not state. before is what viewers have of the same run. The writer wrote
// text at written. It is an error if text cannot be continued.
//
// ffmpeg leaves out the availabilityStartTime, too, when it ends an MPD.
func Reopen(text []byte, before *MPD, written time.Time) (*MPD, error) {
	began, ok := before.began(before.last())
	if !ok {
		return nil, errNoEnd
	}
	s := scanner{text: text}
	root, err := s.next()
	if err != nil || root == nil || root.name != "MPD" {
		return nil, errNoEnd
	}
	e := editor{text: text}
	for _, a := range before.root.attrs {
		value := before.value(a)
		switch _, stated := root.attr(a.name); {
		case a.name == "type":
			value = "dynamic"
		case a.name == "availabilityStartTime":
			value = began.Format(time.RFC3339Nano)
		case a.name == "publishTime":
			value = written.UTC().Format(time.RFC3339Nano)
		case stated, strings.ContainsAny(value, `"<`):
			continue
		case a.name == "timeShiftBufferDepth" && len(before.Periods) > 1:
			continue // it may be what gets players across the seam, which edit sets again
		}
		e.set(root, a.name, value)
	}
	if _, ok := before.root.attr("mediaPresentationDuration"); !ok {
		e.remove(root, "mediaPresentationDuration")
	}
	m, err := Parse(e.bytes())
	switch {
	case err != nil:
		return nil, err
	case !m.IsLive() || !slices.Equal(m.namespaces(), before.namespaces()):
		return nil, errNoEnd
	}
	return m, nil
}

// began returns the availabilityStartTime of the run that p is.
func (m *MPD) began(p *Period) (time.Time, bool) {
	if name := m.RunOf(p); name != m.Run() {
		return media.RunTime(name)
	}
	return m.Start, true
}
