package media

import (
	"math"
	"testing"
)

func TestSaturation(t *testing.T) {
	const most = math.MaxUint64
	for _, c := range []struct{ got, want uint64 }{
		{plus(1, 2), 3}, {plus(most, 0), most}, {plus(most, 1), most}, {plus(most, most), most},
		{product(3, 4), 12}, {product(1<<32, 1<<32), most}, {product(most, 1), most}, {product(0, most), 0},
		{scaled(10, 1000, 90000), 0}, {scaled(7, 10, 4), 17}, {scaled(most, 1000, 1000), most}, {scaled(most, 2, 1), most},
		{scaled(1<<63, 1000, 500), most}, {scaled(1<<62, 1000, 500), 1 << 63},
		{uint64(atMost(most)), math.MaxInt}, {uint64(atMost(5)), 5},
		{uint64(ticks(3, 2)), 1_500_000_000}, {uint64(ticks(most, 1)), math.MaxInt64},
	} {
		if c.got != c.want {
			t.Errorf("got %d, want %d", c.got, c.want)
		}
	}
}
