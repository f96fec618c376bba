package publish

import (
	"testing"
	"time"
)

func TestPlayersLeaveWhenNothingNewCameForTheWindow(t *testing.T) {
	at := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	src := &Source{dest: &Destination{ReconnectWindow: time.Minute}}
	for name, c := range map[string]struct {
		shown       shown
		publishedAt time.Time
		inDoubt     bool
		began       time.Duration // after the last one was written
		setForward  bool          // the clock that says so, by an hour
		left        bool
	}{
		"in the window":                 {shown{watched: true}, at, false, time.Minute, false, false},
		"after it":                      {shown{watched: true}, at, false, 61 * time.Second, false, true},
		"what was held up came later":   {shown{watched: true}, at.Add(2 * time.Second), false, 61 * time.Second, false, false},
		"a PUT may reach them yet":      {shown{watched: true}, at, true, time.Hour, false, false},
		"the playlist was removed":      {shown{watched: true, gone: true}, at, true, time.Second, false, true},
		"after a start, the bucket's":   {shown{}, at.Add(time.Hour), true, 61 * time.Second, false, true},
		"after a start, in the window":  {shown{}, at.Add(time.Hour), false, time.Minute, false, false},
		"the server's clock was set":    {shown{watched: true}, at, false, time.Hour + time.Minute, true, false},
		"the new run began even before": {shown{watched: true}, at, false, -time.Minute, false, false},
	} {
		m := &manifest{file: &file{src: src}, publishedAt: c.publishedAt, copy: bucketCopy{tried: c.inDoubt}}
		c.shown.at = at
		read := at.Add(c.began)
		if c.setForward {
			read = read.Add(-time.Hour)
		}
		if got := m.haveLeft(&snapshot{origin: origin{readAt: read}}, &c.shown, at.Add(c.began)); got != c.left {
			t.Errorf("%s: they have left: %v", name, got)
		}
	}
}
