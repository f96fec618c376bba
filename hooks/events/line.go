package events

import (
	"context"
	"path"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"ems-sidecar/internal/trouble"
)

// A line is where events wait: first for those with smaller ids, then, by stream, for their turn.
// One goroutine owns it.
type line struct {
	wanted   func(Type) bool
	handle   func(context.Context, Event)
	look     func(string)
	counts   *counts
	trouble  *trouble.Reporter
	arrivals chan Event
	asked    chan string // holds one reason to look: several are one

	sequence sequence
	queues   map[string]*queue
	ready    []string // streams with events, none of which is being handled
	lastLook time.Time
	missed   string // why a look is due that was put off; empty: none is
}

// A queue is what waits of one stream.
type queue struct {
	events  []Event
	working bool // one is being handled
}

func newLine(wanted func(Type) bool, handle func(context.Context, Event), look func(string),
	c *counts, t *trouble.Reporter) *line {
	return &line{
		wanted: wanted, handle: handle, look: look, counts: c, trouble: t,
		arrivals: make(chan Event, maxArrivals), asked: make(chan string, 1), queues: make(map[string]*queue),
	}
}

// join adds an event. It does not block, and may be called from any goroutine.
func (l *line) join(e Event) {
	if l.wanted != nil && !l.wanted(e.Type) {
		l.counts.take("other")
		typ := e.Type[:min(len(e.Type), 40)]
		e = Event{ID: e.ID, ProcessID: e.ProcessID, Timestamp: e.Timestamp, Type: typ} // its id counts
	} else {
		l.counts.take(e.Type)
	}
	if l.counts.waiting.Add(int64(e.size)) <= maxWaiting {
		select {
		case l.arrivals <- e:
			return
		default:
		}
	}
	l.drop(e, "events come faster than they are handled")
	l.ask("events were dropped")
}

// ask has the server looked at, as lost does. It does not block, and may be called from any
// goroutine.
func (l *line) ask(reason string) {
	select {
	case l.asked <- reason:
	default:
	}
}

func (l *line) drop(e Event, why string) {
	l.counts.waiting.Add(-int64(e.size))
	l.trouble.Report(eventDropped, nowhere, "why", why, "event", e.Type, "next", "the media server is asked instead")
}

type job struct {
	stream string
	event  Event
}

// run passes events on until ctx ends.
func (l *line) run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	work, done := make(chan job), make(chan string)
	for range workers {
		parts.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case j := <-work:
					l.handle(ctx, j.event)
					select {
					case done <- j.stream:
					case <-ctx.Done():
						return nil
					}
				}
			}
		})
	}
	parts.Go(func() error { l.order(ctx, work, done); return nil })
	return parts.Wait()
}

// order owns the line.
func (l *line) order(ctx context.Context, work chan<- job, done <-chan string) {
	window := time.NewTimer(0)
	window.Stop()
	defer window.Stop()
	postponed := time.NewTimer(0)
	postponed.Stop()
	defer postponed.Stop()
	for {
		var next job
		var ready chan<- job
		if len(l.ready) > 0 {
			next = job{l.ready[0], l.queues[l.ready[0]].events[0]}
			ready = work
		}
		select {
		case <-ctx.Done():
			return
		case e := <-l.arrivals:
			l.arrived(l.sequence.add(e, time.Now()))
		case <-window.C:
			l.arrived(l.sequence.expire(time.Now()))
		case reason := <-l.asked:
			l.lost(reason)
		case <-postponed.C:
			l.lost(l.missed)
		case ready <- next:
			l.begin(next)
		case stream := <-done:
			l.end(stream)
		}
		if at := l.sequence.deadline(); at.IsZero() {
			window.Stop()
		} else {
			window.Reset(time.Until(at))
		}
		if l.missed != "" {
			postponed.Reset(time.Until(l.lastLook.Add(lookPause)))
		}
	}
}

// arrived passes on what the sequence releases, and notes what is missing.
func (l *line) arrived(p passed) {
	l.counts.missing.Add(p.missing)
	l.counts.lost.Add(p.lost)
	if p.lost > 0 {
		l.trouble.Report(eventsLost, nowhere, "ids", p.lost, "next", "what EMS has was compared with the config since")
	}
	if p.skips {
		l.trouble.Begin(idsSkipped, nowhere,
			"hint", "this is normal where another sink in its config.lua has other enabledEvents")
	}
	for _, e := range p.duplicates {
		l.counts.duplicates.Add(1)
		l.counts.waiting.Add(-int64(e.size))
	}
	if p.restarted {
		l.lastLook = time.Time{}
		l.lost("the media server was restarted")
	} else if p.missing > 0 {
		l.lost("ids of events are missing")
	}
	for _, e := range p.events {
		if l.wanted == nil || l.wanted(e.Type) {
			l.enqueue(e)
		} else {
			l.counts.waiting.Add(-int64(e.size))
		}
	}
}

// lost has the server looked at, now or when it was not for lookPause.
func (l *line) lost(reason string) {
	now := time.Now()
	if now.Sub(l.lastLook) < lookPause {
		l.missed = reason
		return
	}
	l.lastLook, l.missed = now, ""
	l.look(reason)
}

func (l *line) enqueue(e Event) {
	key := e.Name
	if e.File != "" {
		key = path.Dir(e.File)
	}
	q := l.queues[key]
	if q == nil {
		if len(l.queues) == maxStreams {
			l.drop(e, "events of too many streams wait")
			l.lost("events were dropped")
			return
		}
		q = &queue{}
		l.queues[key] = q
	}
	if len(q.events) == maxPerStream {
		l.drop(q.events[0], "too many events of one stream wait")
		q.events = slices.Delete(q.events, 0, 1)
		l.lost("events were dropped")
	}
	q.events = append(q.events, e)
	if len(q.events) == 1 && !q.working {
		l.ready = append(l.ready, key)
	}
}

func (l *line) begin(j job) {
	q := l.queues[j.stream]
	l.counts.waiting.Add(-int64(j.event.size))
	q.events = slices.Delete(q.events, 0, 1)
	q.working = true
	l.ready = slices.Delete(l.ready, 0, 1)
}

func (l *line) end(stream string) {
	q := l.queues[stream]
	q.working = false
	if len(q.events) > 0 {
		l.ready = append(l.ready, stream)
	} else {
		delete(l.queues, stream)
	}
}
