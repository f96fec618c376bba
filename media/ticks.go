package media

import (
	"math"
	"math/bits"
	"time"
)

// scaled returns a*b/c, rounded down, or the highest number if it is higher. c is not 0.
func scaled(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, c)
	return q
}

// plus and product return a+b and a*b, or the highest number if it is higher.
func plus(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

func product(a, b uint64) uint64 { return scaled(a, b, 1) }

// atMost returns n as a number of segments.
func atMost(n uint64) int { return int(min(n, math.MaxInt)) }

// ticks returns the duration of n units of 1/timescale seconds.
func ticks(n, timescale uint64) time.Duration {
	return time.Duration(min(scaled(n, uint64(time.Second), timescale), math.MaxInt64))
}
