// R10: never silent. Every failure is one log line that says what, which stream, why, and what
// happens next; every one is counted.

// Package trouble reports what goes wrong. One call logs and counts.
//
// There are two kinds of trouble:
//
//   - A [Failure] has no end: "upload failed". The first one is a log line. Repeats are counted, and
//     Sweep, which the owner calls once a minute, sums them up in one line with the attribute
//     "repeats".
//   - A [Condition] lasts until it ends: "media server does not answer". Begin logs it once. End logs
//     the recovery, at the same level, with the attribute "lasted". A condition that has no end,
//     such as a store that lacks a function, is logged once for good.
//
// A package lists its failures and conditions in one place, as values with constant messages. The
// attributes of a call say what varies: as everywhere, "err" is the cause, "next" what the daemon
// does now, and "hint" what the operator can do.
//
// The package keeps no state that a decision may depend on: it forgets the least recently used
// trouble, and then logs it again. Logging twice is better than never.
package trouble

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// A Failure is one kind of trouble that is over when it is reported.
type Failure struct {
	Kind    string // names it among the counters: lower case, with underscores
	Level   slog.Level
	Message string
}

// A Condition is one kind of trouble that lasts.
type Condition struct {
	Kind    string // as in Failure
	Level   slog.Level
	Message string
	Over    string // the message of the recovery; empty: the end is not logged
	// Each: every Begin is a failure, and is counted. Otherwise only the first one is counted,
	// until the condition ends.
	Each bool
	// Untold: it is no Event, because its owner tells of it otherwise.
	Untold bool
}

// At says where the trouble is. The zero value is the daemon as a whole.
type At struct {
	Stream  string // becomes an attribute of the line, and the label of the counter
	Subject string // of several in the stream or the daemon: a path, a key, a destination. Not logged
	// Shared, if not empty, names what several streams fail at. They are one trouble: one line has one of
	// them as an example, and the sum of repeats has all. Each is counted for its own stream. Not logged.
	Shared string
}

// A Reporter logs and counts trouble. Its methods may be called from any goroutine. It logs after
// it has released its lock, so that a log that blocks delays only the caller.
//
// If several goroutines report on one condition, the lines of its beginning and its end may be
// logged in the other order.
type Reporter struct {
	log   *slog.Logger
	attrs []any // of each line
	scope string
	*book
}

// New returns a Reporter that logs to log. The durations in its lines are measured with now.
func New(log *slog.Logger, now func() time.Time) *Reporter {
	return &Reporter{log: log, book: newBook(now)}
}

// With returns a Reporter that adds attributes to each line. It shares the memory, the limits and
// the counters of r: one Sweep serves both. The same trouble under other attributes is another one.
func (r *Reporter) With(attrs ...any) *Reporter {
	return &Reporter{
		log:   r.log.With(attrs...),
		attrs: slices.Concat(r.attrs, attrs),
		scope: r.scope + "\x00" + fmt.Sprint(attrs...),
		book:  r.book,
	}
}

// Report counts a failure, and logs it if it is the first of its kind there, or the first after a
// minute without one.
func (r *Reporter) Report(f Failure, at At, attrs ...any) {
	if r.failed(r, r.identify(f.Kind, at), f, at.Stream, attrs) {
		r.write(f.Level, f.Message, at.Stream, attrs)
		r.tell(f.Kind, f.Level, f.Message, at.Stream, attrs, 0)
	}
}

// Begin says that a condition holds. It is counted and logged unless it holds already: see
// [Condition.Each].
func (r *Reporter) Begin(c Condition, at At, attrs ...any) {
	if r.began(r.identify(c.Kind, at), r.scope, c, at.Stream) {
		r.write(c.Level, c.Message, at.Stream, attrs)
		if !c.Untold {
			r.tell(c.Kind, c.Level, c.Message, at.Stream, attrs, 0)
		}
	}
}

// End says that a condition does not hold. If it held, the recovery is logged.
func (r *Reporter) End(c Condition, at At, attrs ...any) {
	if lasted, ok := r.ended(r.identify(c.Kind, at)); ok && c.Over != "" {
		lasted = lasted.Round(time.Millisecond)
		r.write(c.Level, c.Over, at.Stream, append(slices.Clone(attrs), "lasted", lasted))
		if !c.Untold {
			r.tell(c.Kind, c.Level, c.Over, at.Stream, attrs, max(lasted, time.Millisecond))
		}
	}
}

// Forget says that a condition is of no more interest: what it concerned is gone. Nothing is
// logged.
func (r *Reporter) Forget(c Condition, at At) { r.ended(r.identify(c.Kind, at)) }

// Sweep logs what was counted and not logged since the last Sweep. It is to be called once a
// minute, and before the end of the program.
func (r *Reporter) Sweep() {
	lines, over := r.swept(r.log)
	for _, l := range lines {
		l.log.LogAttrs(context.Background(), l.level, l.message, l.attrs...)
	}
	if r.listener != nil {
		for _, e := range over {
			r.listener(e)
		}
	}
}

func (r *Reporter) write(level slog.Level, message, stream string, attrs []any) {
	r.log.Log(context.Background(), level, message, withStream(stream, attrs)...)
}

// A Count says how often trouble of one kind was reported in one stream: each failure, and each
// beginning of a condition, or each Begin if the condition says so.
type Count struct {
	Kind   string
	Stream string // "" for trouble of no stream; Others for streams that are no longer told apart
	Times  uint64
}

// Counts returns all counts, in the order of their kinds and streams. They contain no attributes.
// The sum of a kind never decreases.
func (r *Reporter) Counts() []Count {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.counts.all()), func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Stream, b.Stream))
	})
}

// withStream returns the attributes of a line, the stream first.
func withStream(stream string, attrs []any) []any {
	if stream == "" {
		return attrs
	}
	return append([]any{"stream", short(stream, maxStream)}, attrs...)
}
