package uploader

import (
	"errors"
	"sync"
	"time"

	"ems-sidecar/uploader/publish"
)

const (
	// raceShare is how many requests more races may cost.
	raceShare = 0.05
	// mostRaces bounds the races that may begin at once: when a store stops answering, all requests
	// in flight are late.
	mostRaces = 4
)

// Races are those of one Destination. They are used from any goroutine.
type races struct {
	counting sync.Mutex // guards left
	left     float64    // how many may begin
}

// enter counts an upload, which may be raced after a time. It returns nil for 0: then it may not.
func (rs *races) enter(after time.Duration) *race {
	rs.counting.Lock()
	defer rs.counting.Unlock()
	rs.left = min(mostRaces, rs.left+raceShare)
	if after == 0 {
		return nil
	}
	return &race{after: after, races: rs}
}

// A race is that of one upload.
type race struct {
	after     time.Duration
	races     *races
	state     raceState
	secondErr error
}

type raceState uint8

const (
	notBegun raceState = iota
	begun
	secondWon
	secondLost
)

// After implements Race.
func (r *race) After() time.Duration { return r.after }

// Begin implements Race.
func (r *race) Begin() bool {
	r.races.counting.Lock()
	defer r.races.counting.Unlock()
	if r.races.left < 1 {
		return false
	}
	r.races.left--
	r.state = begun
	return true
}

// End implements Race.
func (r *race) End(won bool, err error) {
	if r.state = secondLost; won {
		r.state = secondWon
	}
	r.secondErr = err
}

// outcome tells what became of the race. err is that of the upload.
func (r *race) outcome(err error) publish.Race {
	switch {
	case r == nil || r.state == notBegun:
		return publish.NotRaced
	case err != nil:
		return publish.NeitherWins
	case r.state == secondWon:
		return publish.SecondWins
	}
	return publish.FirstWins
}

// throttled reports whether the store wanted fewer requests, in the answer to either. err is that of
// the upload.
func (r *race) throttled(err error) bool {
	return errors.Is(err, ErrThrottled) || r != nil && errors.Is(r.secondErr, ErrThrottled)
}
