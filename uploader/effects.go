package uploader

import (
	"context"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader/publish"
)

// carryOut carries out what the schedule has decided, except jobs. What it starts ends with work.
func (u *Uploader) carryOut(work context.Context, e publish.Effects) {
	for _, x := range e.Expected {
		if src := u.sourceOf(x.Source); x.OnDisk {
			src.expecter.Expect(x.Paths...)
		} else {
			src.expect(work, x.Paths)
		}
	}
	for _, r := range e.Released {
		u.sourceOf(r.Source).release(r.Path, r.Version)
	}
	for _, c := range e.Changes {
		u.noteChange(c)
	}
	for _, x := range e.Steps {
		if x.At.IsZero() {
			x.At = time.Now()
		}
		u.settings.Observe(x)
	}
	for _, l := range e.Listed {
		u.archive.listed(l)
	}
	for _, n := range e.Notes {
		u.write(n)
	}
}

// write logs a note.
func (u *Uploader) write(n publish.Note) {
	reporter, at := u.settings.Trouble, trouble.At{Stream: n.Stream, Subject: n.Subject, Shared: n.Shared}
	if n.Source != nil {
		reporter = u.sourceOf(n.Source).trouble
	}
	switch {
	case n.Failure.Kind != "":
		reporter.Report(n.Failure, at, n.Attrs...)
	case n.Condition.Kind != "" && n.Ends:
		reporter.End(n.Condition, at, n.Attrs...)
	case n.Condition.Kind != "":
		reporter.Begin(n.Condition, at, n.Attrs...)
	case n.Notice.Kind != "":
		reporter.Note(n.Notice, at, n.Attrs...)
	default:
		u.log.Log(context.Background(), n.Level, n.Message, n.Attrs...)
	}
}
