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
		switch a.name {
		case "type":
			e.set(root, a.name, "dynamic")
		case "availabilityStartTime":
			e.set(root, a.name, began.Format(time.RFC3339Nano))
		case "publishTime":
			e.set(root, a.name, written.UTC().Format(time.RFC3339Nano))
		default:
			if _, stated := root.attr(a.name); !stated && before.lends(a) {
				e.set(root, a.name, before.value(a))
			}
		}
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

// lends reports whether an attribute of m can be that of another MPD of the same run.
func (m *MPD) lends(a attr) bool {
	if a.name == "timeShiftBufferDepth" && len(m.Periods) > 1 {
		return false // it may be what gets players across the seam, which edit sets again
	}
	return !strings.ContainsAny(m.value(a), `"<`)
}

// began returns the availabilityStartTime of the run that p is.
func (m *MPD) began(p *Period) (time.Time, bool) {
	if name := m.RunOf(p); name != m.Run() {
		return media.RunTime(name)
	}
	return m.Start, true
}
