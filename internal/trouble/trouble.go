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
	"sync"
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
}

// At says where the trouble is. The zero value is the daemon as a whole.
type At struct {
	Stream  string // becomes an attribute of the line, and the label of the counter
	Subject string // of several in the stream or the daemon: a path, a key, a destination. Not logged
}

// A Reporter logs and counts trouble. Its methods may be called from any goroutine. It logs after
// it has released its lock, so that a log that blocks delays only the caller.
//
// If several goroutines report on one condition, the lines of its beginning and its end may be
// logged in the other order.
type Reporter struct {
	log   *slog.Logger
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
		scope: r.scope + "\x00" + fmt.Sprint(attrs...),
		book:  r.book,
	}
}

// Report counts a failure, and logs it if it is the first of its kind there, or the first after a
// minute without one.
func (r *Reporter) Report(f Failure, at At, attrs ...any) {
	if r.failed(r.log, r.identify(f.Kind, at), f, at.Stream, attrs) {
		r.log.Log(context.Background(), f.Level, f.Message, withStream(at.Stream, attrs)...)
	}
}

// Begin says that a condition holds. It is counted and logged unless it holds already: see
// [Condition.Each].
func (r *Reporter) Begin(c Condition, at At, attrs ...any) {
	if r.began(r.identify(c.Kind, at), c, at.Stream) {
		r.log.Log(context.Background(), c.Level, c.Message, withStream(at.Stream, attrs)...)
	}
}

// End says that a condition does not hold. If it held, the recovery is logged.
func (r *Reporter) End(c Condition, at At, attrs ...any) {
	if lasted, ok := r.ended(r.identify(c.Kind, at)); ok && c.Over != "" {
		attrs = append(slices.Clone(attrs), "lasted", lasted.Round(time.Millisecond))
		r.log.Log(context.Background(), c.Level, c.Over, withStream(at.Stream, attrs)...)
	}
}

// Forget says that a condition is of no more interest: what it concerned is gone. Nothing is
// logged.
func (r *Reporter) Forget(c Condition, at At) { r.ended(r.identify(c.Kind, at)) }

// Sweep logs what was counted and not logged since the last Sweep. It is to be called once a
// minute, and before the end of the program.
func (r *Reporter) Sweep() {
	for _, l := range r.swept(r.log) {
		l.log.LogAttrs(context.Background(), l.level, l.message, l.attrs...)
	}
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

// Holding returns how many conditions hold now, by kind: of all that began, those that did not end.
// One that has no end, such as a store that lacks a function, holds for good.
func (r *Reporter) Holding() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	holding := make(map[string]int)
	for _, c := range r.conditions.all() {
		holding[c.kind]++
	}
	return holding
}

// withStream returns the attributes of a line, the stream first.
func withStream(stream string, attrs []any) []any {
	if stream == "" {
		return attrs
	}
	return append([]any{"stream", short(stream, maxStream)}, attrs...)
}

// book is what is known of trouble.
type book struct {
	now  func() time.Time
	seed identitySeed

	mu         sync.Mutex // guards what follows; never held while logging
	failures   *recent[identity, *failure]
	conditions *recent[identity, *condition]
	counts     *counters
	lines      map[string]int    // by kind: logged since the last Sweep
	omitted    map[string]uint64 // by kind: neither logged nor to be summed up with others
}

func newBook(now func() time.Time) *book {
	return &book{
		now:        now,
		seed:       newIdentitySeed(),
		failures:   newRecent[identity, *failure](maxFailures),
		conditions: newRecent[identity, *condition](maxConditions),
		counts:     newCounters(),
		lines:      make(map[string]int),
		omitted:    make(map[string]uint64),
	}
}

// failure is a Failure in one place.
type failure struct {
	kind    string
	again   line // for the sum of the repeats: as the latest was
	repeats uint64
	active  bool // it was reported since the last Sweep
}

// condition is a Condition that holds.
type condition struct {
	kind   string
	since  time.Time
	logged bool
}

// line is a log line, ready to be written.
type line struct {
	log     *slog.Logger
	level   slog.Level
	message string
	attrs   []slog.Attr
}

// failed counts a failure and reports whether it is to be logged now.
func (b *book) failed(log *slog.Logger, id identity, f Failure, stream string, attrs []any) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.add(f.Kind, stream)
	known, ok := b.failures.get(id)
	if !ok {
		known = &failure{kind: f.Kind}
		if evicted, full := b.failures.put(id, known); full {
			b.omit(evicted.value.kind, evicted.value.repeats)
		}
	}
	known.active = true
	if !ok && b.mayLog(f.Kind) {
		return true
	}
	known.repeats++
	known.again = line{log, f.Level, f.Message, kept(withStream(stream, attrs))}
	return false
}

// began notes that a condition holds, and reports whether that is to be logged.
func (b *book) began(id identity, c Condition, stream string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, holds := b.conditions.get(id)
	if !holds || c.Each {
		b.counts.add(c.Kind, stream)
	}
	if holds {
		return false
	}
	begun := &condition{kind: c.Kind, since: b.now(), logged: b.mayLog(c.Kind)}
	if !begun.logged {
		b.omit(c.Kind, 1)
	}
	b.conditions.put(id, begun)
	return begun.logged
}

// ended notes that a condition does not hold. It reports whether its beginning was logged, and how
// long it lasted.
func (b *book) ended(id identity) (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.conditions.remove(id)
	if !ok || !c.logged {
		return 0, false
	}
	return b.now().Sub(c.since), true
}

// mayLog reports whether one more line of the kind may be logged before the next Sweep, and counts
// it.
func (b *book) mayLog(kind string) bool {
	if b.lines[kind] >= maxLines {
		return false
	}
	b.lines[kind]++
	return true
}

// swept returns the lines that Sweep logs, those on the least recent trouble first.
func (b *book) swept(log *slog.Logger) (lines []line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.lines)
	summed := make(map[string]int)
	for id, f := range b.failures.all() {
		switch {
		case !f.active:
			b.failures.remove(id)
		case f.repeats > 0 && summed[f.kind] < maxLines:
			summed[f.kind]++
			f.again.attrs = append(f.again.attrs, slog.Uint64("repeats", f.repeats))
			lines = append(lines, f.again)
		default:
			b.omit(f.kind, f.repeats)
		}
		f.active, f.repeats, f.again = false, 0, line{}
	}
	for _, kind := range slices.Sorted(maps.Keys(b.omitted)) {
		lines = append(lines, line{log, slog.LevelWarn, "more trouble of one kind than is logged", []slog.Attr{
			slog.String("kind", kind), slog.Uint64("count", b.omitted[kind]),
			slog.String("next", "it is only counted; the lines before this one are examples"),
		}})
	}
	clear(b.omitted)
	return lines
}

// omit notes n times of trouble that no line of its own tells of.
func (b *book) omit(kind string, n uint64) {
	if n > 0 {
		b.omitted[kind] += n
	}
}
