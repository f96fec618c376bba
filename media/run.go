package media

import (
	"path"
	"strings"
	"time"
)

// Where a stream that starts again gives its names to other content, the files of a run can be told
// apart by a name for the run: they are published in a directory with that name, beside where they are
// on the disk. In DASH, the manifest says when the run began ([Traits.DatesRuns]). In HLS, the run is
// called as its first segment was written ([Layout.RunPrefix]).
//
//	group/stream/video/198000/segment_0.m4s                     on the disk
//	group/stream/video/198000/20261130T091500Z/segment_0.m4s    published
//
//	stream/index0.ts                                            on the disk
//	stream/20261130T091500.123Z/index0.ts                       published

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

// WrittenRunName returns the name of a run of which the first file was written at a time. It always has
// milliseconds: a writer may call its own directories by date and time, and those have none.
func WrittenRunName(first time.Time) string {
	first = first.Truncate(time.Millisecond)
	if first.Equal(first.Truncate(time.Second)) {
		first = first.Add(time.Millisecond)
	}
	return RunName(first)
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

// InRuns reports whether the file p of the disk is one of those that are published under the name of a
// run, once it is known of which run it is.
func (l Layout) InRuns(p string) bool {
	switch l.Format {
	case DASH:
		return l.DatesRuns(p)
	case HLS:
		role := l.Kind(p).Role
		return l.RunPrefix && (role == ChunkFile || role == OtherFile) && !l.IsRewritten(p) && l.WriterOf(p) != EMSWrites
	}
	return false
}

// CutRun returns where a file is on the disk that is published as p, and the name of its run; "" if p
// has none.
func (l Layout) CutRun(p string) (onDisk, run string) {
	if l.Format != DASH && !(l.Format == HLS && l.RunPrefix) {
		return p, ""
	}
	dir := path.Dir(p)
	run = path.Base(dir)
	if !IsRunName(run) || l.Format == HLS && !strings.Contains(run, ".") {
		return p, ""
	}
	if onDisk = path.Join(path.Dir(dir), path.Base(p)); !l.InRuns(onDisk) {
		return p, ""
	}
	return onDisk, run
}
