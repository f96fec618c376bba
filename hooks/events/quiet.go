package events

import (
	"log/slog"
	"sync"
	"time"
)

// A quiet log has each message at once, and then at most once in quietTime, with how many were left out. Messages are
// constants, so that there are few.
type quiet struct {
	log *slog.Logger

	saying sync.Mutex
	last   map[string]*utterance
}

type utterance struct {
	at      time.Time
	omitted int
}

const quietTime = 10 * time.Second

func newQuiet(log *slog.Logger) *quiet { return &quiet{log: log, last: make(map[string]*utterance)} }

func (q *quiet) warn(message string, attributes ...any) {
	now := time.Now()
	q.saying.Lock()
	u := q.last[message]
	if u != nil && now.Sub(u.at) < quietTime {
		u.omitted++
		q.saying.Unlock()
		return
	}
	omitted := 0
	if u != nil {
		omitted = u.omitted
	}
	q.last[message] = &utterance{at: now}
	q.saying.Unlock()
	q.log.Warn(message, append(attributes, "omitted", omitted)...)
}
