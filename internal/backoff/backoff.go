// Package backoff says how long to wait before something that failed is tried again.
package backoff

import "time"

// A Jitter returns a random duration that is shorter than the one it is given, such as
// rand.N[time.Duration]. Tests pass their own.
type Jitter func(time.Duration) time.Duration

// After returns the pause after the given number of failures in a row, from 1: exponential from
// first up to most, with full jitter, so that many streams do not come back at the same instant. It
// is never 0, so that a caller may use 0 for "not waiting".
func (j Jitter) After(failures int, first, most time.Duration) time.Duration {
	d := most
	if shift := max(0, failures-1); shift < 63 && first <= most>>shift { // else it would overflow
		d = first << shift
	}
	return j(d) + time.Millisecond
}
