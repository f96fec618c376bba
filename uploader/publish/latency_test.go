package publish

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestAQuantileIsThatOfThePUTsUpToATenthMore(t *testing.T) {
	var d distribution
	for ms := range 1000 {
		d.note(time.Duration(ms+1) * time.Millisecond)
	}
	for q, least := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.95: 950 * time.Millisecond, 1: time.Second} {
		if got, most := d.quantile(q), least+least/10; got < least || got > most {
			t.Errorf("the quantile %v is %v, want %v to %v", q, got, least, most)
		}
	}
}

// The race is worth one request in twenty only if the quantile holds for what stores really do.
func TestOneOfTwentyPUTsTakesLongerThanTheP95(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	draw := func() time.Duration {
		return time.Duration(60 * float64(time.Millisecond) * math.Exp(0.65*chance.NormFloat64()))
	}
	var d distribution
	for range 5000 {
		d.note(draw())
	}
	longer := 0
	for range 10_000 {
		if draw() > d.quantile(0.95) {
			longer++
		}
	}
	if longer < 200 || longer > 600 {
		t.Errorf("%d of 10,000 PUTs took longer than the p95", longer)
	}
}

func TestADistributionForgets(t *testing.T) {
	var d distribution
	for range 5000 {
		d.note(time.Second)
	}
	for range 3 * mostCounted {
		d.note(10 * time.Millisecond)
	}
	if got := d.quantile(0.75); got > 11*time.Millisecond {
		t.Errorf("long after the bucket has become fast, three quarters of its PUTs take %v", got)
	}
}

func TestADistributionTakesAnyTime(t *testing.T) {
	var d distribution
	if got := d.quantile(0.95); got != 0 {
		t.Errorf("without a PUT, the p95 is %v", got)
	}
	for _, took := range []time.Duration{-time.Hour, 0, 1, 24 * time.Hour, math.MaxInt64} {
		d.note(took)
	}
	if got := d.quantile(0.5); got != briefest {
		t.Errorf("the p50 is %v", got)
	}
	if got := d.quantile(1); got < time.Minute {
		t.Errorf("the longest takes %v", got)
	}
}

func TestSizesHaveLatenciesOfTheirOwn(t *testing.T) {
	var l latencies
	sizes := []int64{0, 64<<10 + 1, 256<<10 + 1, 1<<20 + 1, 4<<20 + 1, 16<<20 + 1}
	for i, size := range sizes {
		if l.of(size) != &l[i] {
			t.Errorf("%d bytes have not distribution %d", size, i)
		}
	}
	for i, size := range []int64{64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 1 << 40} {
		if l.of(size) != &l[i] {
			t.Errorf("%d bytes have not distribution %d", size, i)
		}
	}
}
