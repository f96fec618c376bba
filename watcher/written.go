package watcher

import (
	"time"

	"ems-sidecar/media"
)

// writtenFor is how long a file counts as being written although its writer writes nothing: the
// duration of a common segment. An encoder may pause, but a file that is only kept open is no sign
// of one.
const writtenFor = 10 * time.Second

// observe notes whether a file is being written. The drain waits while there are such files.
func (t *tree) observe(e *entry, w writers, manifest bool, now time.Time) {
	if e.since.Equal(now) {
		t.state.Changed = now
	}
	if manifest {
		return
	}
	if e.appeared.After(t.state.Begun) {
		t.state.Begun = e.appeared
	}
	quiet := now.Sub(e.since)
	unsettled := w == unknown && quiet < t.opts.SlowSettle && !(e.stage == reported && e.look.Equal(e.last))
	t.setWritten(e, w == busy && quiet < writtenFor || unsettled)
}

// seeListed notes a version that a scan found. No one saw when it changed, so its time tells.
func (t *tree) seeListed(e *entry, v media.Version, now time.Time) {
	e.see(v, now)
	at := v.ModTime
	if at.After(now) { // the clock was set back, or the file's time was set
		at = now
	}
	if at.After(t.state.Changed) {
		t.state.Changed = at
	}
}

func (t *tree) setWritten(e *entry, written bool) {
	if e.written == written {
		return
	}
	e.written = written
	if written {
		t.state.Written++
	} else {
		t.state.Written--
	}
}
