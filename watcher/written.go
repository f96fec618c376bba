package watcher

import "time"

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
