package publish

import (
	"log/slog"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
)

// Effects are what the caller has to do apart from jobs, in the order in which they were decided.
type Effects struct {
	Expected []Expectation
	Released []Release
	Notes    []Note
	Changes  []Change
	Steps    []Step   // if Settings.Observed asks for them
	Listed   []Listed // if the Destination archives what is published
}

// An Expectation asks for files that a manifest names, or that are to be read again. Each is
// answered by a call of Closed, Kept, ManifestRead or Absent.
type Expectation struct {
	Source *Source
	Paths  []string
	OnDisk bool // they are the files' names on the disk
}

// A Release says that version Version of a file need not be kept any longer.
type Release struct {
	Source  *Source
	Path    string
	Version media.Version
	Why     Reason
}

// A Reason says why a file need not be kept.
type Reason uint8

const (
	// Arrived means that the bucket has the version.
	Arrived Reason = iota
	// Found means that the bucket has an object of the name, and that no version is known.
	Found
	// Lost means that the file can never arrive.
	Lost
	// Unwanted means that no manifest names the file any more.
	Unwanted
)

// A Note is a log record.
type Note struct {
	Level   slog.Level
	Message string
	Attrs   []any // as for slog.Logger.Log
	// Failure is what went wrong in Stream, if the note is one of those that are summed up; else
	// its Kind is empty.
	Failure trouble.Failure
	Source  *Source
	Stream  string
	Subject string // of several in the stream: a key
	Shared  string // what streams that fail alike have in common: a bucket
	// Condition is what begins or ends, if the note is about that; else its Kind is empty.
	Condition trouble.Condition
	Ends      bool
	// Notice is what the note is for operators; else its Kind is empty.
	Notice trouble.Notice
}

// A notebook collects notes. Its methods have the form of those of slog.Logger.
type notebook struct{ notes *[]Note }

func (b notebook) note(level slog.Level, message string, attrs []any) {
	*b.notes = append(*b.notes, Note{Level: level, Message: message, Attrs: attrs})
}

func (b notebook) Debug(message string, attrs ...any) { b.note(slog.LevelDebug, message, attrs) }
func (b notebook) Info(message string, attrs ...any)  { b.note(slog.LevelInfo, message, attrs) }
func (b notebook) Warn(message string, attrs ...any)  { b.note(slog.LevelWarn, message, attrs) }
func (b notebook) Error(message string, attrs ...any) { b.note(slog.LevelError, message, attrs) }

// An outbox collects effects. Their slices are used in turns.
type outbox struct {
	Effects
	spare      Effects
	unobserved Step // stands for those that no one wants to know
}

// Effects returns what was decided since the last call, and forgets it. The slices are the caller's
// until the next call of any method of s.
func (s *Schedule) Effects() Effects {
	o := &s.effects
	e := o.Effects
	o.Effects = Effects{reuse(o.spare.Expected), reuse(o.spare.Released), reuse(o.spare.Notes), reuse(o.spare.Changes),
		reuse(o.spare.Steps), reuse(o.spare.Listed)}
	o.spare = e
	return e
}

// expect asks for files below src.
func (src *Source) expect(paths ...string) {
	e := &src.schedule.effects
	e.Expected = append(e.Expected, Expectation{Source: src, Paths: paths})
}

// release says that version v of p need not be kept any longer.
func (src *Source) release(p string, v media.Version, why Reason) {
	e := &src.schedule.effects
	e.Released = append(e.Released, Release{src, p, v, why})
}

// reuse returns the memory of s for other elements, unless it is that of a burst.
func reuse[T any](s []T) []T {
	const most = 4096
	if cap(s) > most {
		return nil
	}
	clear(s)
	return s[:0]
}
