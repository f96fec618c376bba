// Package clock deals with wall clocks that are set while the daemon runs. What is measured, such as
// how old a chunk is, goes by the clock that does not jump: the one that time.Now reads, too. Files
// and people have times of the wall clock.
package clock

import "time"

// Moment returns when it was at, a time of the wall clock, by the clock of now that does not jump.
// now is soon after at, so that the wall clock was hardly set in between.
func Moment(at, now time.Time) time.Time { return now.Add(at.Sub(now)) }

// least is the smallest step that counts as setting the wall clock. Two clocks cannot be read at
// the same moment.
const least = time.Second

// Wall returns t by the wall clock as it is set now, so that who reads both sees how long ago t was.
func Wall(t, now time.Time) time.Time {
	set := now.Round(0).Sub(t.Round(0)) - now.Sub(t)
	if set.Abs() < least {
		return t.Round(0)
	}
	return t.Round(0).Add(set.Round(least)) // so that it is the same time again and again
}
