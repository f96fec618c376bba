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
	// in flight are late. With fewer, one late request in eight would have no second one, by chance.
	mostRaces = 20
)

// Races are those of one Destination. They are used from any goroutine.
type races struct {
	counting sync.Mutex // guards left
	left     float64    // how many may begin
}

// enter counts an upload, which may be raced after a time. It returns nil for 0: then it may not.
func (rs *races) enter(after time.Duration, settles bool) *race {
	rs.counting.Lock()
	defer rs.counting.Unlock()
	rs.left = min(mostRaces, rs.left+raceShare)
	if after == 0 {
		return nil
	}
	return &race{after: after, settles: settles, races: rs}
}

// A race is that of one upload.
type race struct {
	after         time.Duration
	settles       bool
	races         *races
	begun         bool
	first, second Ending
}

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
	r.begun = true
	return true
}

// Settles implements Race.
func (r *race) Settles() bool { return r.settles }

// End implements Race.
func (r *race) End(first, second Ending) { r.first, r.second = first, second }

// wins reports whether the answer to the second request counts.
func (r *race) wins() bool {
	return r.second.Err == nil && (r.first.Err != nil || r.second.At.Before(r.first.At))
}

// outcome tells what became of the race. err is that of the upload.
func (r *race) outcome(err error) publish.Race {
	switch {
	case r == nil || !r.begun:
		return publish.NotRaced
	case err != nil:
		return publish.NeitherWins
	case r.wins():
		return publish.SecondWins
	}
	return publish.FirstWins
}

// settled tells of a race of which both answers were waited for, and one was good: how long the other
// one took after that, and whether it never came, so that its request may still be applied.
func (r *race) settled(err error) (longer time.Duration, late bool) {
	if r == nil || !r.begun || !r.settles || err != nil {
		return 0, false
	}
	good, other := r.first, r.second
	if r.wins() {
		good, other = other, good
	}
	return max(0, other.At.Sub(good.At)), other.Err != nil && !errors.Is(other.Err, ErrPermanent)
}

// throttled reports whether the store wanted fewer requests, in the answer to either. err is that of
// the upload.
func (r *race) throttled(err error) bool {
	return errors.Is(err, ErrThrottled) ||
		r != nil && (errors.Is(r.first.Err, ErrThrottled) || errors.Is(r.second.Err, ErrThrottled))
}
