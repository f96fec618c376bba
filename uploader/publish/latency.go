package publish

import (
	"math"
	"math/bits"
	"time"
)

const (
	// briefest is the time of the first step of a distribution. What takes less counts as that.
	briefest = time.Millisecond
	// stepsPerDoubling makes each step a tenth longer than the one before.
	stepsPerDoubling = 8
	// latencySteps reach a minute.
	latencySteps = 16*stepsPerDoubling + 1
	// mostCounted is of how many PUTs a distribution tells: some minutes of ten streams. Then each
	// count is halved, so that what is old fades.
	mostCounted = 1024
)

// A distribution tells how long the PUTs to one bucket took lately, of objects of about one size.
type distribution struct {
	counts [latencySteps]uint16 // by the step that took so long at the most
	total  int
}

// note adds a PUT.
func (d *distribution) note(took time.Duration) {
	if d.total >= mostCounted {
		d.total = 0
		for i := range d.counts {
			d.counts[i] /= 2
			d.total += int(d.counts[i])
		}
	}
	step := 0
	if took > briefest {
		step = min(latencySteps-1, int(math.Ceil(stepsPerDoubling*math.Log2(float64(took)/float64(briefest)))))
	}
	d.counts[step]++
	d.total++
}

// quantile returns how long the part q of all PUTs took at most, up to a tenth more.
func (d *distribution) quantile(q float64) time.Duration {
	wanted, sum := int(math.Ceil(q*float64(d.total))), 0
	for i, n := range d.counts {
		if sum += int(n); sum >= wanted && sum > 0 {
			return time.Duration(float64(briefest) * math.Exp2(float64(i)/stepsPerDoubling))
		}
	}
	return 0
}

const (
	// smallObject is up to which size, in bytes, time does not depend on the size.
	smallObject = 64 << 10
	// latencySizes are the sizes with a distribution of their own: small, and then each four times
	// as large as the one before. The last one has all that is larger than 16 MiB.
	latencySizes = 6
)

// latencies tell how long the PUTs to one bucket took lately, by the size of the object.
type latencies [latencySizes]distribution

// of returns the distribution of objects with so many bytes.
func (l *latencies) of(size int64) *distribution { return &l[sizeClass(size)] }

// sizeClass returns which of the sizes an object with so many bytes has.
func sizeClass(size int64) int {
	quadruplings := (bits.Len64(uint64(max(0, size-1)/smallObject)) + 1) / 2
	return min(quadruplings, latencySizes-1)
}
