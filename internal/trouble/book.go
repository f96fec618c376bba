package trouble

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// book is what is known of trouble.
type book struct {
	now      func() time.Time
	seed     identitySeed
	listener func(Event) // nil: no one

	mu         sync.Mutex // guards what follows; never held while logging
	failures   *recent[identity, *failure]
	conditions *recent[identity, *condition]
	counts     *counters
	total      uint64            // of troubles at the level of a warning or above
	lines      map[string]int    // by kind: logged since the last Sweep
	omitted    map[string]uint64 // by kind: neither logged nor to be summed up with others
	parts      int               // that were made so far
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
	total   total
}

// A total is what the event at the end of a failure tells of its repeats.
type total struct {
	first, last time.Time
	repeats     uint64
	event       Event // without the number of repeats
}

// condition is a Condition that holds.
type condition struct {
	kind   string
	scope  string // of its Reporter
	since  time.Time
	logged bool
}

// line is a log line, ready to be written.
type line struct {
	log     *slog.Logger
	level   slog.Level
	message string
	attrs   []slog.Attr
	with    []any // what log adds to each line
}

// failed counts a failure and reports whether it is to be logged now.
func (b *book) failed(r *Reporter, id identity, f Failure, stream string, attrs []any) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.add(f.Kind, stream)
	if f.Level >= slog.LevelWarn {
		b.total++
	}
	known, ok := b.failures.get(id)
	if !ok {
		known = &failure{kind: f.Kind, total: total{first: b.now()}}
		if evicted, full := b.failures.put(id, known); full {
			b.omit(evicted.value.kind, evicted.value.repeats)
		}
	}
	known.active = true
	if !ok && b.mayLog(f.Kind) {
		return true
	}
	known.repeats++
	known.total.repeats++
	known.total.last = b.now()
	known.again = line{r.log, f.Level, f.Message, kept(withStream(stream, attrs)), r.attrs}
	return false
}

// began notes that a condition holds, and reports whether that is to be logged.
func (b *book) began(id identity, scope string, c Condition, stream string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, holds := b.conditions.get(id)
	if !holds || c.Each {
		b.counts.add(c.Kind, stream)
		if c.Level >= slog.LevelWarn && !c.Untold {
			b.total++
		}
	}
	if holds {
		return false
	}
	begun := &condition{kind: c.Kind, scope: scope, since: b.now(), logged: b.mayLog(c.Kind)}
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

// swept returns the lines that Sweep logs, those on the least recent trouble first, and the events of
// the failures that are over.
func (b *book) swept(log *slog.Logger) (lines []line, over []Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.lines)
	summed, ended := make(map[string]int), make(map[string]int)
	for id, f := range b.failures.all() {
		switch {
		case !f.active:
			b.failures.remove(id)
			if f.total.repeats == 0 {
				continue
			}
			if ended[f.kind]++; ended[f.kind] <= maxLines {
				over = append(over, f.total.sum())
			}
		case f.repeats > 0 && summed[f.kind] < maxLines:
			summed[f.kind]++
			sum := f.again
			sum.attrs = append(slices.Clip(sum.attrs), slog.Uint64("repeats", f.repeats))
			lines = append(lines, sum)
		default:
			b.omit(f.kind, f.repeats)
		}
		if f.repeats > 0 {
			f.total.event = f.again.event(f.kind)
		}
		f.active, f.repeats, f.again = false, 0, line{}
	}
	for _, kind := range slices.Sorted(maps.Keys(b.omitted)) {
		lines = append(lines, line{log, slog.LevelWarn, "more trouble of one kind than is logged", []slog.Attr{
			slog.String("kind", kind), slog.Uint64("count", b.omitted[kind]),
			slog.String("next", "it is only counted; the lines before this one are examples"),
		}, nil})
	}
	clear(b.omitted)
	for _, kind := range slices.Sorted(maps.Keys(ended)) {
		if more := ended[kind] - maxLines; more > 0 {
			over = append(over, Event{Kind: kind, Level: slog.LevelWarn,
				Text: fmt.Sprintf("%d more failures of this kind are over; the events before are examples", more)})
		}
	}
	return lines, over
}

// omit notes n times of trouble that no line of its own tells of.
func (b *book) omit(kind string, n uint64) {
	if n > 0 {
		b.omitted[kind] += n
	}
}
