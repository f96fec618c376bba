package media

import (
	"path"
	"time"
)

// Where a stream that starts again gives its names to other content, and says when its run began
// ([Traits.DatesRuns]), the files of a run can be told apart by a name for the run: they are published
// in a directory with that name, beside where they are on the disk.
//
//	group/stream/video/198000/segment_0.m4s                     on the disk
//	group/stream/video/198000/20261130T091500Z/segment_0.m4s    published

// runLayout is the time at which a run began, without characters that a URL would encode.
const runLayout = "20060102T150405.999Z"

// RunName returns the name of a run that began at a time.
func RunName(began time.Time) string { return began.UTC().Format(runLayout) }

// RunTime returns when the run began that text is the name of.
func RunTime(text string) (began time.Time, ok bool) {
	if len(text) < len("20060102T150405Z") || len(text) > len(runLayout) {
		return time.Time{}, false
	}
	began, err := time.Parse(runLayout, text)
	return began, err == nil && RunName(began) == text
}

// IsRunName reports whether text is the name of a run.
func IsRunName(text string) bool {
	_, ok := RunTime(text)
	return ok
}

// InRun returns the path under which the file p of a run is published. Without a name, it is p.
func InRun(p, run string) string {
	if run == "" {
		return p
	}
	return path.Join(path.Dir(p), run, path.Base(p))
}

// DatesRuns reports whether the file p of the disk is in a stream whose manifest dates its run: EMS
// writes it.
func (l Layout) DatesRuns(p string) bool {
	return EMS.Traits(l.Format).DatesRuns && l.Writer != AnyWrites && l.inTrack(p)
}

// CutRun returns where a file is on the disk that is published as p, and the name of its run; "" if p
// has none.
func (l Layout) CutRun(p string) (onDisk, run string) {
	if l.Format != DASH {
		return p, ""
	}
	dir := path.Dir(p)
	if run = path.Base(dir); !IsRunName(run) {
		return p, ""
	}
	if onDisk = path.Join(path.Dir(dir), path.Base(p)); !l.DatesRuns(onDisk) {
		return p, ""
	}
	return onDisk, run
}
