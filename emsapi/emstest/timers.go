package emstest

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"ems-sidecar/emsapi"
)

// A timer is one of listTimers. One with seconds fires again and again, one with a time of day,
// which is UTC, once.
type timer struct {
	id        uint32
	value     any // seconds, or a time of day
	triggered int
	variables object
}

func (t *timer) describe() object {
	v := clone(t.variables)
	v["timerId"], v["value"], v["triggerCount"] = t.id, t.value, t.triggered
	return v
}

var (
	wholeNumber = regexp.MustCompile(`^\d{1,6}$`)
	timeOfDay   = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d$`)
	allDigits   = regexp.MustCompile(`^\d+$`)
)

func (s *Server) setTimer(p params) answer {
	if len(p.all) == 0 {
		return fail("Syntax error. No parameters provided")
	}
	value := p.text("value")
	t := &timer{variables: p.variables()}
	var at time.Time
	switch {
	case wholeNumber.MatchString(value):
		n, _ := strconv.Atoi(value)
		if n < 1 || n > 86399 {
			return fail("Syntax error. Parameter value is invalid. Range: 1 - 86399")
		}
		t.value = n
	case timeOfDay.MatchString(value):
		if len(value) == len("00:00:00") {
			value = time.Now().UTC().Format("2006-01-02T") + value
		}
		var err error
		if at, err = time.Parse("2006-01-02T15:04:05", value); err != nil {
			return fail("Unable to parse the string as a date/time")
		}
		t.value = value + ".000"
	case allDigits.MatchString(value):
		return fail("Unable to parse the string as a date/time")
	default:
		return fail("Syntax error. Parameter value is invalid")
	}
	s.run.nextTimer += 1 + s.random.Uint32N(30)
	t.id = s.run.nextTimer
	s.run.timers = append(s.run.timers, t)
	s.emit("timerCreated", t.describe())
	if n, ok := t.value.(int); ok {
		s.tick(t, n)
	} else if seconds := time.Until(at).Seconds(); seconds > 0 {
		s.after(seconds, func() { s.fire(t) })
	} else { // at once, before the answer
		s.fire(t)
	}
	return succeed("Custom timer enqueued", t.describe())
}

func (s *Server) tick(t *timer, seconds int) {
	s.after(float64(seconds), func() {
		if !slices.Contains(s.run.timers, t) {
			return
		}
		t.triggered++
		s.emit("timerTriggered", t.describe())
		s.tick(t, seconds)
	})
}

// fire is the only time of a timer with a time of day.
func (s *Server) fire(t *timer) {
	i := slices.Index(s.run.timers, t)
	if i < 0 {
		return
	}
	t.triggered++
	s.emit("timerTriggered", t.describe())
	s.run.timers = slices.Delete(s.run.timers, i, i+1)
	s.emit("timerClosed", t.describe())
}

func (s *Server) listTimers() any {
	var list []any
	for _, t := range s.run.timers {
		list = append(list, t.describe())
	}
	return orNull(list)
}

func (s *Server) removeTimer(p params) answer {
	id, err := strconv.ParseUint(p.text("id"), 10, 32)
	if err != nil {
		return fail("Syntax error. Parameter id is invalid")
	}
	i := slices.IndexFunc(s.run.timers, func(t *timer) bool { return t.id == uint32(id) })
	if i < 0 {
		return fail("Timer not found")
	}
	t := s.run.timers[i]
	s.run.timers = slices.Delete(s.run.timers, i, i+1)
	s.emit("timerClosed", t.describe())
	return succeed("Timer removed", t.describe())
}

// Timers returns what listTimers lists.
func (s *Server) Timers() []emsapi.Timer {
	s.network.running.Lock()
	defer s.network.running.Unlock()
	var timers []emsapi.Timer
	if s.run != nil {
		decode(s.listTimers(), &timers)
	}
	return timers
}

func clone(o object) object {
	if o == nil {
		return object{}
	}
	return maps.Clone(o)
}
