// Package testclock lets a test set the wall clock. It is for tests only.
package testclock

import (
	"time"
	"unsafe"
)

// Set returns the moment t as the process reads it after someone has set the wall clock: the clock
// that does not jump goes on. Package time has no other way to make such a time.
func Set(t time.Time, by time.Duration) time.Time {
	was := t
	p := (*struct {
		wall uint64 // a bit that says what ext is, 33 bits of seconds, 30 bits of nanoseconds
		ext  int64  // of the clock that does not jump
		loc  *time.Location
	})(unsafe.Pointer(&t))
	p.wall += uint64(by/time.Second) << 30
	if t.Sub(was) != 0 || t.Round(0).Sub(was.Round(0)) != by {
		panic("testclock: by is no whole number of seconds, t was not read from the clock, " +
			"or package time keeps its times in another way")
	}
	return t
}
